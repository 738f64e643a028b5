import { createHash, scryptSync } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Ports } from '../ports.ts';
import { buildStack } from '../stack/build.ts';
import type { StackFacts } from '../stack/facts.ts';
import type { Stack } from '../stack/model.ts';
import { stackProblems } from '../stack/rules.ts';
import { locateModel } from '../search/embed/model-files.ts';
import { openProject, type Project } from './context.ts';
import { modelRequest } from './embedder.ts';
import type { SettingFlags } from './read-config.ts';
import { readTls } from './stack/tls.ts';

/** A project and the stack that its environment describes; every fault of it is thrown before anything else happens. */
export async function openStack(
  ports: Ports,
  options: GlobalOptions,
  flags: SettingFlags = {},
): Promise<{ readonly project: Project; readonly stack: Stack }> {
  const project = await openProject(ports, options, flags);
  return { project, stack: await stackOf(ports, project) };
}

/**
 * The checked stack of a project; CONFIG_INVALID lists every problem of it. A certificate that has expired matters to
 * what renders and brings up, not to who looks at what runs.
 */
export async function stackOf(
  ports: Ports,
  project: Project,
  { certificate = 'needed' }: { readonly certificate?: 'needed' | 'as it is' } = {},
): Promise<Stack> {
  const { config } = project;
  if (config.base === 'embedded') {
    throw new PortiereError(
      'USAGE',
      `The environment ${config.environment} runs in one process, without a stack.`,
      {
        hint: 'Name one that has containers: --env dev, test or prod.',
      },
    );
  }
  const tls =
    certificate === 'needed'
      ? await readTls(ports, project)
      : await readTls(ports, project).catch(() => null);
  const stack = buildStack(config, await stackFacts(ports, project, tls));
  const problems = stackProblems(stack, config);
  if (problems.length === 0) return stack;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new PortiereError('CONFIG_INVALID', `The stack of ${config.environment} has ${count}.`, {
    hint: 'Correct them and run the same command again; nothing was changed.',
    problems,
  });
}

async function stackFacts(ports: Ports, project: Project, tls: StackFacts['tls']): Promise<StackFacts> {
  const { name } = project.config;
  return {
    version: ports.self.version,
    packageDigest: await packageDigest(ports),
    root: project.root,
    tls,
    vocabulary: await vocabularyFact(project),
    modelFolder: await modelFolder(ports, project),
    searchCa: await searchCa(ports, project),
    caFile: await caFile(ports, project),
    // Slow on purpose: labels can be read, and what a digest is of must not be found by guessing.
    fingerprint: remembered((text) => scryptSync(text, `portiere ${name}`, 6, { N: 4096 }).toString('hex')),
    fingerprintOf: (parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12),
  };
}

function remembered(work: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text) ?? work(text);
    known.set(text, found);
    return found;
  };
}

/** What the api image is made of: the files of this package that `npm pack` takes. */
async function packageDigest(ports: Ports): Promise<string> {
  const root = path.dirname(ports.self.templates.replace(/[/\\]$/, ''));
  const hash = createHash('sha256');
  for (const part of ['package.json', 'bin/portiere.js', 'dist', 'templates']) {
    for (const file of await filesUnder(path.join(root, part))) {
      hash.update(`${path.relative(root, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex');
}

async function filesUnder(file: string): Promise<readonly string[]> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [file];
  const entries = await readdir(file, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

async function vocabularyFact(project: Project): Promise<StackFacts['vocabulary']> {
  const given = project.config.settings.VOCABULARY_PATH;
  if (given === '') return null;
  const file = project.resolve(given);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) {
    throw new PortiereError('VOCABULARY_NOT_FOUND', `There is no vocabulary at ${file}.`, {
      hint: 'Check VOCABULARY_PATH, or --vocabulary.',
    });
  }
  const inside = found.isDirectory() ? await readdir(file) : [];
  const looks = await Promise.all(
    ['', ...inside.toSorted()].map(async (entry) => {
      const { size, mtimeMs } = await stat(path.join(file, entry));
      return [entry, size, Math.floor(mtimeMs)];
    }),
  );
  const digest = createHash('sha256')
    .update(JSON.stringify([file, looks]))
    .digest('hex');
  return { path: file, fingerprint: digest.slice(0, 12) };
}

/** The model's folder where it is on this disk, else where it would be. */
async function modelFolder(ports: Ports, project: Project): Promise<string> {
  const request = modelRequest(ports, project);
  if (request.model === 'hashing') return request.cacheDir;
  const found = await locateModel(request).catch(() => undefined);
  return found?.folder ?? request.modelDir ?? path.join(request.cacheDir, request.model);
}

/** MODEL_MISSING or MODEL_UNKNOWN where the containers would look for the model in vain. */
export async function requireModel(ports: Ports, project: Project): Promise<void> {
  const request = modelRequest(ports, project);
  if (request.model !== 'hashing') await locateModel(request);
}

/** The content of ELASTICSEARCH_CA_FILE, which the containers get as a file of their own. */
async function searchCa(ports: Ports, project: Project): Promise<string | null> {
  const given = project.config.settings.ELASTICSEARCH_CA_FILE;
  if (given === '') return null;
  const text = await ports.files.read(project.resolve(given));
  if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
  throw new PortiereError('CONFIG_INVALID', `There is no certificate in ${project.resolve(given)}.`, {
    hint: 'Check ELASTICSEARCH_CA_FILE: it names a PEM file.',
  });
}

/** BUILD_CA_FILE, or the bundle that Node itself was told to trust. */
async function caFile(ports: Ports, project: Project): Promise<string | null> {
  const given = project.config.settings.BUILD_CA_FILE || ports.caller.env['NODE_EXTRA_CA_CERTS'] || '';
  if (given === '') return null;
  const file = project.resolve(given);
  if (await ports.files.exists(file)) return file;
  if (project.config.settings.BUILD_CA_FILE === '') return null;
  throw new PortiereError('CONFIG_INVALID', `There is no CA bundle at ${file}.`, {
    hint: 'Check BUILD_CA_FILE: it names a PEM file.',
  });
}
