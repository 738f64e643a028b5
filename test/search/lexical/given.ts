import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LexicalIndex, openLexical } from '../../../src/search/lexical/reader.ts';
import { createLexical } from '../../../src/search/lexical/writer.ts';
import type { Concept } from '../../../src/search/vocabulary/concept.ts';

export interface Given extends Partial<Concept> {
  readonly concept_name: string;
  readonly synonyms?: readonly string[];
}

/** A lexical index of concepts 1, 2, ...; rows count up from 0, each name followed by its synonyms. */
export async function lexicalOf(concepts: readonly Given[]): Promise<LexicalIndex> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'portiere-lexical-')), 'lexical');
  const writer = createLexical(file);
  let row = 0;
  for (const [index, { synonyms = [], ...given }] of concepts.entries()) {
    const concept_id = index + 1;
    writer.addConcept({ ...usual, concept_id, concept_code: `c${concept_id}`, ...given });
    writer.addTerm({ row: row++, concept_id, kind: 'name', text: given.concept_name });
    for (const text of synonyms) writer.addTerm({ row: row++, concept_id, kind: 'synonym', text });
  }
  await writer.finish();
  return openLexical(file);
}

const usual = {
  domain_id: 'Condition',
  vocabulary_id: 'SNOMED',
  concept_class_id: 'Disorder',
  standard_concept: 'S',
  valid_start_date: '1970-01-01',
  valid_end_date: '2099-12-31',
  invalid_reason: null,
} as const;
