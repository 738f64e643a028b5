import { DatabaseSync } from 'node:sqlite';

import type { IndexedConcept } from './elasticsearch-index.ts';

export interface ConceptOrder {
  /** Only concepts with greater ids. */
  readonly after?: number;
  /** How ids are ordered: as numbers (without it) or as text. */
  readonly as?: 'number' | 'text';
}

/** Every concept of a build's lexical file with its synonyms, in the order of their ids, read as it is asked for. */
export function* indexedConcepts(
  file: string,
  { after = Number.MIN_SAFE_INTEGER, as = 'number' }: ConceptOrder = {},
): Generator<IndexedConcept> {
  const order = as === 'number' ? 'concept_id' : 'CAST(concept_id AS TEXT)';
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const synonyms = database
      .prepare(
        `SELECT concept_id, text FROM term WHERE kind = 'synonym' AND concept_id > ? ORDER BY ${order}, row`,
      )
      .iterate(after) as unknown as Iterator<{ readonly concept_id: number; readonly text: string }>;
    const concepts = database
      .prepare(
        `SELECT concept_id, concept_code, concept_name, vocabulary_id, domain_id, concept_class_id,
                standard_concept, invalid_reason FROM concept WHERE concept_id > ? ORDER BY ${order}`,
      )
      .iterate(after) as unknown as Iterable<Omit<IndexedConcept, 'synonyms'>>;
    const isBefore = (one: number, other: number): boolean =>
      as === 'number' ? one < other : String(one) < String(other);
    let next = synonyms.next();
    for (const concept of concepts) {
      const own: string[] = [];
      while (next.done !== true && !isBefore(concept.concept_id, next.value.concept_id)) {
        if (next.value.concept_id === concept.concept_id) own.push(next.value.text);
        next = synonyms.next();
      }
      yield { ...concept, synonyms: own };
    }
  } finally {
    database.close();
  }
}

/** How many concepts have an id up to `last`. */
export function countConcepts(file: string, last: number): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const { n } = database.prepare('SELECT count(*) AS n FROM concept WHERE concept_id <= ?').get(last) as {
      n: number;
    };
    return n;
  } finally {
    database.close();
  }
}
