import path from 'node:path';

import { cosmiconfig, type CosmiconfigResult } from 'cosmiconfig';
import { parseDocument } from 'yaml';

import { PortiereError } from '../errors.ts';
import type { FoundConfig, SettingsFiles } from '../ports.ts';

const places = [
  'package.json',
  'portiere.config.yaml',
  'portiere.config.yml',
  'portiere.config.json',
  '.portiererc',
  '.portiererc.yaml',
  '.portiererc.yml',
  '.portiererc.json',
  '.config/portiere.yaml',
  '.config/portiere.yml',
  '.config/portiere.json',
  '.config/portiererc',
];

/** Finds the project's config file. YAML and JSON only: nothing found in a folder is ever executed. */
export const settingsFiles: SettingsFiles = {
  async load(folder, explicit) {
    const explorer = cosmiconfig('portiere', {
      searchPlaces: places,
      searchStrategy: 'project',
      packageProp: 'portiere',
      cache: false,
      loaders: {
        '.yaml': readYaml,
        '.yml': readYaml,
        '.json': readJson,
        noExt: readYaml,
        '.js': refuse,
        '.mjs': refuse,
        '.cjs': refuse,
        '.ts': refuse,
      },
    });
    let found: CosmiconfigResult;
    try {
      found = explicit === undefined ? await explorer.search(folder) : await explorer.load(explicit);
    } catch (error) {
      if (error instanceof PortiereError) throw error;
      throw unreadable(explicit ?? folder, error);
    }
    return found === null ? undefined : described(found);
  },
};

function described(found: NonNullable<CosmiconfigResult>): FoundConfig {
  return { path: found.filepath, content: found.isEmpty === true ? {} : (found.config as unknown) };
}

/** YAML 1.2 core schema: no tags that build objects, few aliases, errors with line and column. */
function readYaml(file: string, text: string): unknown {
  const document = parseDocument(text, { schema: 'core', version: '1.2', merge: false, prettyErrors: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) throw invalid(file, fault.message);
  try {
    return refuseImports(file, document.toJS({ maxAliasCount: 20 }) ?? {});
  } catch (error) {
    if (error instanceof PortiereError) throw error;
    throw invalid(file, (error as Error).message);
  }
}

function readJson(file: string, text: string): unknown {
  try {
    return refuseImports(file, JSON.parse(text));
  } catch (error) {
    if (error instanceof PortiereError) throw error;
    throw invalid(file, (error as Error).message);
  }
}

/** cosmiconfig's core follows `$import` to other files; a config of ours is one file. */
function refuseImports(file: string, content: unknown): unknown {
  if (typeof content === 'object' && content !== null && Object.hasOwn(content, '$import')) {
    throw invalid(file, '$import is not supported: a portiere config is one file');
  }
  return content;
}

function refuse(file: string): never {
  throw invalid(file, 'only YAML and JSON configs are read, programs never');
}

function invalid(file: string, reason: string): PortiereError {
  return new PortiereError('CONFIG_INVALID', `The config ${file} cannot be read: ${firstLines(reason)}.`, {
    hint: `Mend ${path.basename(file)}, then run: portiere config validate`,
  });
}

function unreadable(where: string, error: unknown): PortiereError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new PortiereError('CONFIG_NOT_FOUND', `There is no config file ${where}.`, {
      hint: 'Check --config, or write one with: portiere init',
    });
  }
  if (code === 'EACCES') {
    return new PortiereError('PERMISSION_DENIED', `Not permitted to read the config ${where}.`, {
      hint: 'Check its owner and mode.',
    });
  }
  return invalid(where, (error as Error).message);
}

function firstLines(text: string): string {
  return text.split('\n').slice(0, 2).join(' ').replace(/[.:]$/, '').trim();
}
