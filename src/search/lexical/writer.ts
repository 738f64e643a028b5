import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { fromSystemError, PortiereError } from '../../errors.ts';
import type { Concept, ConceptAncestor, ConceptRelationship } from '../vocabulary/concept.ts';
import { sync } from '../system/disk.ts';
import { codeKey, textKey } from './normalise.ts';
import { indexes, tables } from './schema.ts';
import { runSql } from './sql-thread.ts';

/** A text of a concept that can be found; `row` is also the label of its vector. */
export interface Term {
  readonly row: number;
  readonly concept_id: number;
  readonly kind: 'name' | 'synonym';
  readonly text: string;
}

export interface LexicalWriter {
  addConcept(concept: Concept): void;
  addTerm(term: Term): void;
  addMapping(relationship: ConceptRelationship): void;
  addAncestor(ancestor: ConceptAncestor): void;
  /** True where the concept was added before. */
  has(conceptId: number): boolean;
  nameOf(conceptId: number): string | undefined;
  /** Builds the indexes and closes the file, which is then complete and on disk. */
  finish(): Promise<void>;
  abandon(): void;
}

/** No journal: a file whose writing was broken off is written anew. */
const quick = 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;';

/** Creates the lexical index of a build in a new SQLite file, in place of what is there. */
export function createLexical(file: string): LexicalWriter {
  rmSync(file, { force: true });
  const database = new DatabaseSync(file);
  database.exec(`${quick} BEGIN;`);
  database.exec(tables);
  const concept = database.prepare('INSERT INTO concept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const term = database.prepare('INSERT INTO term VALUES (?, ?, ?, ?, ?)');
  const mapping = database.prepare('INSERT OR IGNORE INTO mapping VALUES (?, ?, ?)');
  const ancestor = database.prepare('INSERT OR IGNORE INTO ancestor VALUES (?, ?, ?, ?)');
  const known = database.prepare('SELECT concept_name FROM concept WHERE concept_id = ?');
  return {
    addConcept(row) {
      guarded(file, () =>
        concept.run(
          row.concept_id,
          row.concept_name,
          row.domain_id,
          row.vocabulary_id,
          row.concept_class_id,
          row.standard_concept,
          row.concept_code,
          row.valid_start_date,
          row.valid_end_date,
          row.invalid_reason,
          codeKey(row.concept_code),
        ),
      );
    },
    addTerm(row) {
      guarded(file, () => term.run(row.row, row.concept_id, row.kind, row.text, textKey(row.text)));
    },
    addMapping(row) {
      guarded(file, () => mapping.run(row.concept_id_1, row.relationship_id, row.concept_id_2));
    },
    addAncestor(row) {
      guarded(file, () =>
        ancestor.run(
          row.descendant_concept_id,
          row.ancestor_concept_id,
          row.min_levels_of_separation,
          row.max_levels_of_separation,
        ),
      );
    },
    has: (conceptId) => known.get(conceptId) !== undefined,
    nameOf: (conceptId) => known.get(conceptId)?.['concept_name'] as string | undefined,
    async finish() {
      guarded(file, () => {
        database.exec('COMMIT');
        database.close();
      });
      await runSql({ file, script: `${quick} BEGIN; ${indexes} COMMIT;`, attributes: true }).catch(
        (error: unknown) => {
          guarded(file, () => {
            throw error;
          });
        },
      );
      await sync(file);
    },
    abandon() {
      database.close();
    },
  };
}

/** SQLite's own words for a full disk and a duplicate, in ours. */
function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const message = (error as Error).message;
    if (/database or disk is full|disk I\/O error/.test(message)) {
      throw fromSystemError(Object.assign(new Error(message), { code: 'ENOSPC' }), file);
    }
    if (/UNIQUE constraint failed: concept\.concept_id/.test(message)) {
      throw new PortiereError('VOCABULARY_ROWS', 'CONCEPT has the same concept_id twice.', {
        hint: 'Download the vocabulary again, or remove the duplicate rows.',
        cause: error,
      });
    }
    throw error;
  }
}
