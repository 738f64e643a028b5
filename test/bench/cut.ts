import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Anomalies } from '../../src/search/vocabulary/anomalies.ts';
import { openBundle } from '../../src/search/vocabulary/bundle.ts';
import { readConcepts, readSynonyms } from '../../src/search/vocabulary/read.ts';
import { randomFrom } from '../support/random.ts';
import { conceptHeader } from '../support/vocabulary.ts';

/**
 * Writes the concepts of a download that a seeded draw takes, and their synonyms, as a download of its own; those
 * in `always` are in it whatever the draw says. `concepts` of 0 takes all. Written once.
 */
export async function cutVocabulary(
  from: string,
  folder: string,
  { concepts, always = new Set() }: { readonly concepts: number; readonly always?: ReadonlySet<number> },
): Promise<void> {
  if (existsSync(folder)) return;
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const bundle = await openBundle(from);
  const anomalies: Anomalies = new Map();
  const random = randomFrom(9);
  const all: { readonly id: number; readonly draw: number; readonly line: string }[] = [];
  for await (const batch of readConcepts(bundle, { anomalies })) {
    for (const concept of batch) {
      const { valid_start_date, valid_end_date, ...rest } = concept;
      const dates = [valid_start_date, valid_end_date].map((date) => date.replaceAll('-', ''));
      const fields = [...Object.values(rest).slice(0, 7), ...dates, rest.invalid_reason];
      const line = fields.map((value) => String(value ?? '')).join('\t');
      all.push({ id: concept.concept_id, draw: always.has(concept.concept_id) ? -1 : random(), line });
    }
  }
  const count = concepts === 0 ? all.length : concepts;
  const limit = all.map(({ draw }) => draw).toSorted((a, b) => a - b)[count] ?? 2;
  const kept = all.filter(({ draw }) => draw < limit);
  await writeFile(
    join(part, 'CONCEPT.csv'),
    `${[conceptHeader, ...kept.map(({ line }) => line)].join('\n')}\n`,
  );
  if (bundle.tables.has('CONCEPT_SYNONYM')) {
    const ids = new Set(kept.map(({ id }) => id));
    const lines = ['concept_id\tconcept_synonym_name\tlanguage_concept_id'];
    for await (const batch of readSynonyms(bundle, { anomalies })) {
      for (const one of batch) if (ids.has(one.concept_id)) lines.push(Object.values(one).join('\t'));
    }
    await writeFile(join(part, 'CONCEPT_SYNONYM.csv'), `${lines.join('\n')}\n`);
  }
  await bundle.close();
  await rename(part, folder);
}

/** A copy in which one name in a hundred is another: drawn at random, or all of them in a row as of one vocabulary. */
export async function changeOnePercent(
  from: string,
  folder: string,
  how: 'random' | 'together',
): Promise<void> {
  if (existsSync(folder)) return;
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await cp(from, part, { recursive: true });
  const [header = '', ...lines] = (await readFile(join(from, 'CONCEPT.csv'), 'utf8')).trimEnd().split('\n');
  const random = randomFrom(10);
  const start = Math.floor(lines.length / 3);
  const changed = lines.map((line, at) => {
    const chosen = how === 'random' ? random() < 0.01 : at >= start && at < start + lines.length / 100;
    if (!chosen) return line;
    const fields = line.split('\t');
    fields[1] = `${fields[1]} revised ${at}`;
    return fields.join('\t');
  });
  await writeFile(join(part, 'CONCEPT.csv'), `${[header, ...changed].join('\n')}\n`);
  await rename(part, folder);
}
