import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { conceptHeader, conceptLine } from './vocabulary.ts';

/** Writes an unpacked download whose concepts have the given names by id; gives its folder. */
export async function smallVocabulary(
  folder: string,
  names: Readonly<Record<number, string>>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const lines = Object.entries(names).map(([id, name]) => conceptLine(id, { concept_name: name }));
  await writeFile(join(folder, 'CONCEPT.csv'), `${[conceptHeader, ...lines].join('\n')}\n`);
  return folder;
}
