import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseTag } from './base.ts';
import type { Machine } from './machine.ts';
import type { Recipe } from './recipes.ts';

/** An image's tag, or why it has none on this machine (a part that is missing here). */
export type Tags = ReadonlyMap<string, string | Error>;

/** The tag of every image: a hash of its folder, its parts, its arguments and the tag of what it is built on. */
export async function tagsOf(recipes: readonly Recipe[], machine: Machine): Promise<Tags> {
  const tags = new Map<string, string | Error>([['base', baseTag()]]);
  for (const recipe of recipes) tags.set(recipe.name, await tagOf(recipe, tags, machine));
  return tags;
}

async function tagOf(recipe: Recipe, tags: Tags, machine: Machine): Promise<string | Error> {
  const on = tags.get(recipe.on.image);
  if (on === undefined) throw new Error(`${recipe.name} is listed before ${recipe.on.image}.`);
  if (on instanceof Error) return on;
  const hash = createHash('sha256');
  try {
    hash.update(JSON.stringify([on, recipe.buildArguments, await recipe.identify(machine)]));
  } catch (error) {
    return error as Error;
  }
  const folder = join(machine.root, 'test/images', recipe.folder);
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) {
    hash.update(JSON.stringify([file.slice(folder.length), await readFile(file, 'base64')]));
  }
  return `portiere-test/${recipe.name}:${hash.digest('hex').slice(0, 12)}`;
}
