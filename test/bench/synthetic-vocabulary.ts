// A vocabulary download of any size, the same for the same seed: invented words in the shape of clinical names.
// usage: node test/bench/synthetic-vocabulary.ts CONCEPTS FOLDER [SEED]
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { randomFrom } from '../support/random.ts';

const firstId = 1_000_000;
const english = '4180186';
const vocabularies = [
  { id: 'SNOMED', standard: 'S', domain: 'Condition', class: 'Disorder', share: 0.4 },
  { id: 'RxNorm', standard: 'S', domain: 'Drug', class: 'Clinical Drug', share: 0.3 },
  { id: 'LOINC', standard: 'S', domain: 'Measurement', class: 'Lab Test', share: 0.1 },
  { id: 'ICD10CM', standard: '', domain: 'Condition', class: '5-char billing code', share: 0.2 },
] as const;
const qualifiers =
  'acute,chronic,left,right,of,with,without,due to,unspecified,primary,oral tablet,100 MG'.split(',');

/** Writes CONCEPT, CONCEPT_SYNONYM, CONCEPT_RELATIONSHIP, CONCEPT_ANCESTOR and VOCABULARY as tab-separated files. */
export async function writeSyntheticVocabulary(folder: string, concepts: number, seed = 1): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const tables: Record<string, () => Generator<string>> = {
    CONCEPT: () => conceptLines(concepts, seed),
    CONCEPT_SYNONYM: () => synonymLines(concepts, seed),
    CONCEPT_RELATIONSHIP: () => mappingLines(concepts, seed),
    CONCEPT_ANCESTOR: () => ancestorLines(concepts),
    VOCABULARY: vocabularyLines,
  };
  for (const [table, lines] of Object.entries(tables)) {
    await pipeline(Readable.from(pages(lines())), createWriteStream(join(folder, `${table}.csv`)));
  }
}

function* conceptLines(concepts: number, seed: number): Generator<string> {
  yield 'concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason';
  const names = nameMaker(seed);
  for (let at = 0; at < concepts; at += 1) {
    const { id, standard, domain, class: kind } = vocabularyOf(at);
    const code = `${id.slice(0, 1)}${(at * 7919) % 9_999_991}.${at % 10}`;
    yield [firstId + at, names(), domain, id, kind, standard, code, '19700101', '20991231', ''].join('\t');
  }
}

/** Every ninth concept has one. */
function* synonymLines(concepts: number, seed: number): Generator<string> {
  yield 'concept_id\tconcept_synonym_name\tlanguage_concept_id';
  const names = nameMaker(seed + 1);
  for (let at = 0; at < concepts; at += 9) yield [firstId + at, names(), english].join('\t');
}

/** Source concepts map to a standard one. */
function* mappingLines(concepts: number, seed: number): Generator<string> {
  yield 'concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason';
  const random = randomFrom(seed + 2);
  for (let at = 0; at < concepts; at += 1) {
    if (vocabularyOf(at).standard === 'S') continue;
    const target = at - (at % 10);
    yield [
      firstId + at,
      firstId + Math.min(target, concepts - 1) - Math.floor(random() * (target / 10)) * 10,
      'Maps to',
      '19700101',
      '20991231',
      '',
    ].join('\t');
  }
}

/** A tree in which each node has ten children. */
function* ancestorLines(concepts: number): Generator<string> {
  yield 'ancestor_concept_id\tdescendant_concept_id\tmin_levels_of_separation\tmax_levels_of_separation';
  for (let at = 1; at < concepts; at += 1)
    yield [firstId + Math.floor((at - 1) / 10), firstId + at, 1, 1].join('\t');
}

function* vocabularyLines(): Generator<string> {
  yield 'vocabulary_id\tvocabulary_name\tvocabulary_reference\tvocabulary_version\tvocabulary_concept_id';
  yield 'None\tOMOP Standardized Vocabularies\t\tv5.0 01-JAN-26\t44819096';
  for (const { id } of vocabularies) yield [id, id, '', 'synthetic', '0'].join('\t');
}

function vocabularyOf(at: number): (typeof vocabularies)[number] {
  let left = (at % 10) / 10;
  for (const one of vocabularies) {
    if (left < one.share - 1e-9) return one;
    left -= one.share;
  }
  return vocabularies[0];
}

/** Two to seven words, a few of them frequent, most of them rare, as in clinical names. */
function nameMaker(seed: number): () => string {
  const words = inventWords(30_000, seed);
  const random = randomFrom(seed + 3);
  return () => {
    const length = 2 + Math.floor(random() * random() * 6);
    const chosen = Array.from({ length }, () =>
      random() < 0.2
        ? qualifiers[Math.floor(random() * qualifiers.length)]!
        : words[Math.floor(random() ** 2.5 * words.length)]!,
    );
    const name = chosen.join(' ');
    return name.charAt(0).toUpperCase() + name.slice(1);
  };
}

function inventWords(count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const letters = 'bcdfghklmnprstvx';
  const vowels = 'aeiouy';
  const endings = ['itis', 'osis', 'oma', 'al', 'ic', 'ine', 'ide', 'ia', 'us', 'a', ''];
  const pick = (from: string | readonly string[]): string => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: count }, () => {
    const syllables = 1 + Math.floor(random() * 3);
    const stem = Array.from({ length: syllables }, () => pick(letters) + pick(vowels)).join('');
    return stem + pick(letters) + pick(endings);
  });
}

function* pages(lines: Generator<string>): Generator<string> {
  let page: string[] = [];
  for (const line of lines) {
    page.push(line);
    if (page.length < 10_000) continue;
    yield `${page.join('\n')}\n`;
    page = [];
  }
  if (page.length > 0) yield `${page.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [concepts = '100000', folder = 'synthetic', seed = '1'] = process.argv.slice(2);
  await writeSyntheticVocabulary(folder, Number(concepts), Number(seed));
}
