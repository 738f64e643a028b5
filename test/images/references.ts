import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Recipe } from './recipes.ts';
import type { Tags } from './tags.ts';

/** The file in the checkout's root that names the built images. */
export const referencesFile = '.images.yaml';

/** Service (or build argument) -> reference, of the images that are in the engine now. */
export function referencesOf(
  recipes: readonly Recipe[],
  tags: Tags,
  present: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const references: Record<string, string> = {};
  for (const { name, serves } of recipes) {
    const tag = tags.get(name);
    if (typeof tag !== 'string' || !present.has(tag)) continue;
    for (const service of serves) references[service] = tag;
  }
  return references;
}

/** Writes the file as a whole or not at all. */
export async function writeReferences(
  root: string,
  references: Readonly<Record<string, string>>,
): Promise<void> {
  const file = join(root, referencesFile);
  await writeFile(`${file}.new`, `# Written by \`npm run images\`.\n${stringify(references)}`);
  await rename(`${file}.new`, file);
}

/** What the file says; null where it is absent. */
export async function readReferences(root: string): Promise<Readonly<Record<string, string>> | null> {
  try {
    return parse(await readFile(join(root, referencesFile), 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
