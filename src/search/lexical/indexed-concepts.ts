import { DatabaseSync } from 'node:sqlite';

import type { IndexedConcept } from './elasticsearch-index.ts';

/** Every concept of a build's lexical file with its synonyms, in the order of their ids. */
export function* indexedConcepts(file: string): Generator<IndexedConcept> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const synonyms = database
      .prepare("SELECT concept_id, text FROM term WHERE kind = 'synonym' ORDER BY concept_id, row")
      .iterate() as unknown as Iterator<{ readonly concept_id: number; readonly text: string }>;
    const concepts = database
      .prepare(
        `SELECT concept_id, concept_code, concept_name, vocabulary_id, domain_id, concept_class_id,
                standard_concept, invalid_reason FROM concept ORDER BY concept_id`,
      )
      .iterate() as unknown as Iterable<Omit<IndexedConcept, 'synonyms'>>;
    let next = synonyms.next();
    for (const concept of concepts) {
      const own: string[] = [];
      while (next.done !== true && next.value.concept_id <= concept.concept_id) {
        if (next.value.concept_id === concept.concept_id) own.push(next.value.text);
        next = synonyms.next();
      }
      yield { ...concept, synonyms: own };
    }
  } finally {
    database.close();
  }
}
