// Builds the test images and writes .images.yaml: node test/images/build.ts [--only a,b] [--elasticsearch 8|9]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PortiereError } from '../../src/errors.ts';
import { buildBase } from './base.ts';
import { elasticsearchMajors } from './elasticsearch.ts';
import { buildImage, checkEngine, presentTags } from './engine.ts';
import type { Machine } from './machine.ts';
import { type Recipe, recipes } from './recipes.ts';
import { referencesFile, referencesOf, writeReferences } from './references.ts';
import { type Tags, tagsOf } from './tags.ts';

const machine: Machine = {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  env: process.env,
  say: (text) => process.stderr.write(`${text}\n`),
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(error);
  process.exitCode = error instanceof PortiereError ? error.exitCode : 1;
}

async function main(argv: string[]): Promise<number> {
  const { all, wanted } = chosen(argv);
  await checkEngine(machine);
  const tags = await tagsOf(all, machine);
  const failed = await buildMissing(wanted, tags);
  const references = referencesOf(all, tags, await presentTags(machine));
  await writeReferences(machine.root, references);
  machine.say(`${referencesFile} names ${Object.keys(references).length} images.`);
  if (failed.length > 0) machine.say(`Not built: ${failed.join(', ')}.`);
  return failed.length > 0 ? 1 : 0;
}

function chosen(argv: string[]): { all: readonly Recipe[]; wanted: readonly Recipe[] } {
  const values = flags(argv);
  const elasticsearch = elasticsearchMajors.find((major) => major === values.elasticsearch);
  if (elasticsearch === undefined) {
    throw new PortiereError('USAGE', `--elasticsearch takes ${elasticsearchMajors.join(' or ')}.`);
  }
  const all = recipes({ elasticsearch });
  if (values.only === undefined) return { all, wanted: all };
  const names = values.only.split(',');
  const unknown = names.filter((name) => !all.some((recipe) => recipe.name === name));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    throw new PortiereError('USAGE', `No image is called ${unknown.join(', ')}.`, {
      hint: `Known: ${known}`,
    });
  }
  const needed = new Set(all.flatMap(({ name, on }) => (names.includes(name) ? [name, on.image] : [])));
  return { all, wanted: all.filter(({ name }) => needed.has(name)) };
}

function flags(args: string[]): { readonly only?: string; readonly elasticsearch: string } {
  const options = { only: { type: 'string' }, elasticsearch: { type: 'string', default: '9' } } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (cause) {
    const usage = 'node test/images/build.ts [--only NAME,...] [--elasticsearch 8|9]';
    throw new PortiereError('USAGE', (cause as Error).message, { hint: `usage: ${usage}` });
  }
}

/** Builds what is not in the engine yet; one image that fails does not keep the others from being built. */
async function buildMissing(wanted: readonly Recipe[], tags: Tags): Promise<readonly string[]> {
  const present = new Set(await presentTags(machine));
  const failed: string[] = [];
  const attempt = async (name: string, build: (tag: string) => Promise<void>): Promise<void> => {
    const tag = tags.get(name);
    if (typeof tag === 'string' && present.has(tag)) return;
    try {
      if (typeof tag !== 'string') throw tag ?? new Error(`${name} has no tag.`);
      const start = performance.now();
      machine.say(`building ${name} ...`);
      await build(tag);
      present.add(tag);
      machine.say(
        `${name.padEnd(14)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${tag}`,
      );
    } catch (error) {
      complain(error);
      failed.push(name);
    }
  };
  await attempt('base', () => buildBase(machine));
  for (const recipe of wanted) {
    const on = tags.get(recipe.on.image);
    if (typeof on === 'string' && !present.has(on)) failed.push(recipe.name);
    else await attempt(recipe.name, (tag) => buildImage(recipe, { on: String(on), tag, machine }));
  }
  return failed;
}

function complain(error: unknown): void {
  if (!(error instanceof PortiereError)) {
    machine.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return;
  }
  machine.say(error.cause instanceof Error ? `${error.cause.message}\n\n${error.message}` : error.message);
  if (error.hint !== undefined) machine.say(error.hint);
}
