import path from 'node:path';

import { cosmiconfig, type CosmiconfigResult } from 'cosmiconfig';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';

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
    const lines = new Map<string, FoundConfig['lineOf']>();
    const yaml = (file: string, text: string): unknown => readYaml(file, text, lines);
    const explorer = cosmiconfig('portiere', {
      searchPlaces: places,
      searchStrategy: 'project',
      packageProp: 'portiere',
      cache: false,
      loaders: {
        '.yaml': yaml,
        '.yml': yaml,
        '.json': readJson,
        noExt: yaml,
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
    return found === null ? undefined : described(found, lines);
  },
};

export type Lines = Map<string, FoundConfig['lineOf']>;

function described(found: NonNullable<CosmiconfigResult>, lines: Lines): FoundConfig {
  return {
    path: found.filepath,
    data: found.isEmpty === true ? {} : (found.config as unknown),
    lineOf: lines.get(found.filepath) ?? (() => undefined),
  };
}

/** YAML 1.2 core schema: no tags that build objects, few aliases, errors with line and column. */
export function readYaml(file: string, text: string, lines: Lines): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    schema: 'core',
    version: '1.2',
    merge: false,
    stringKeys: true,
    prettyErrors: true,
    lineCounter,
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) throw invalid(file, fault.message);
  lines.set(file, (keys) => lineOf(document, lineCounter, keys));
  try {
    return refuseImports(file, document.toJS({ maxAliasCount: 20 }) ?? {});
  } catch (error) {
    if (error instanceof PortiereError) throw error;
    throw invalid(file, (error as Error).message);
  }
}

function lineOf(document: Document, counter: LineCounter, keys: readonly string[]): number | undefined {
  const node: unknown = document.getIn(keys, true);
  const start = isNode(node) ? node.range?.[0] : undefined;
  return start === undefined ? undefined : counter.linePos(start).line;
}

export function readJson(file: string, text: string): unknown {
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
