import { DatabaseSync } from 'node:sqlite';

import { PortiereError } from '../../errors.ts';
import type { Concept } from '../vocabulary/concept.ts';
import { readAttributes } from './attributes.ts';
import { type RowAttributes, rowAttributes } from './filter.ts';
import { openCodeSearch } from './by-code.ts';
import { openWordSearch } from './by-words.ts';
import { bestPerConcept, type LexicalHit } from './hit.ts';
import { codeKey, textKey } from './normalise.ts';
import type { Term } from './writer.ts';

export interface LexicalIndex {
  readonly attributes: RowAttributes;
  /**
   * Concepts whose code is the query, whatever its case and punctuation (score 1, the same spelling first), then
   * those of the same category in the same vocabulary, the nearest first (score below 1).
   */
  byCode(query: string, allowed: Uint8Array | undefined): readonly LexicalHit[];
  /** Terms equal to the query but for case, accents and punctuation; standard and valid concepts first. */
  byExactText(query: string, allowed: Uint8Array | undefined): readonly LexicalHit[];
  /** The best `k` concepts by BM25, one term each. */
  byWords(query: string, k: number, allowed: Uint8Array | undefined): readonly LexicalHit[];
  /** In how many terms a word occurs, spelled as in a `textKey`. */
  frequency(word: string): number;
  term(row: number): Term | undefined;
  /** All terms of some concepts, each concept's name first, in the order of the concepts. */
  termsOf(conceptIds: readonly number[]): readonly ConceptTerm[];
  /** The terms of some rows with their concepts, in that order; a row that is not there is left out. */
  described(rows: readonly number[]): readonly DescribedTerm[];
  concept(conceptId: number): Concept | undefined;
  conceptByCode(vocabularyId: string, code: string): Concept | undefined;
  page(conceptId: number): ConceptPage | undefined;
  counts(): { readonly concepts: number; readonly terms: number };
  close(): void;
}

/** A term of a concept, its text as `textKey` spells it. */
export interface ConceptTerm {
  readonly concept_id: number;
  readonly row: number;
  readonly key: string;
}

/** A term as it is shown, with its concept. */
export type DescribedTerm = Pick<Term, 'row' | 'kind' | 'text'> & Concept;

/** A concept with what surrounds it. */
export interface ConceptPage {
  readonly concept: Concept;
  readonly synonyms: readonly string[];
  /** Targets of `Maps to`, and of `Concept replaced by` where there is one. */
  readonly maps_to: readonly (Concept & { readonly relationship_id: string })[];
  readonly ancestors: readonly (Concept & {
    readonly min_levels_of_separation: number;
    readonly max_levels_of_separation: number;
  })[];
}

const conceptColumns = `concept.concept_id, concept_name, domain_id, vocabulary_id, concept_class_id,
  standard_concept, concept_code, valid_start_date, valid_end_date, invalid_reason`;

type Row = Record<string, unknown>;

/** Opens a build's lexical index for reading. */
export function openLexical(file: string): LexicalIndex {
  const { database, attributes } = open(file);
  const select = (sql: string): ReturnType<DatabaseSync['prepare']> => database.prepare(sql);
  let mask: Uint8Array | undefined;
  database.function('allowed', { deterministic: false }, (row) => mask?.[Number(row)] ?? 1);
  const codes = openCodeSearch(database);
  const words = openWordSearch(database);
  database.exec('PRAGMA query_only = ON');

  const exact =
    select(`SELECT row, concept_id FROM term JOIN concept USING (concept_id) WHERE text_key = ? AND allowed(row)
    ORDER BY invalid_reason IS NOT NULL, standard_concept IS NOT 'S', kind, row LIMIT 1000`);
  const term = select('SELECT row, concept_id, kind, text FROM term WHERE row = ?');
  // One statement for all: an eighth of what one for each takes. The list is gone through in its order, and the index
  // of concepts has a concept's rows in theirs.
  const terms = select(
    'SELECT concept_id, row, text_key FROM json_each(?) CROSS JOIN term ON concept_id = value',
  );
  terms.setReturnArrays(true);
  const described = select(`SELECT row, kind, text, ${conceptColumns} FROM json_each(?)
    CROSS JOIN term ON row = json_each.value CROSS JOIN concept USING (concept_id)`);
  const concept = select(`SELECT ${conceptColumns} FROM concept WHERE concept_id = ?`);
  const byVocabulary = select(
    `SELECT ${conceptColumns} FROM concept WHERE vocabulary_id = ? COLLATE NOCASE AND code_key = ? ORDER BY concept_code <> ?`,
  );
  const synonyms = select("SELECT text FROM term WHERE concept_id = ? AND kind = 'synonym' ORDER BY row");
  const mappings = select(`SELECT relationship_id, ${conceptColumns} FROM mapping JOIN concept
    ON concept.concept_id = target_concept_id WHERE mapping.concept_id = ? ORDER BY relationship_id DESC, concept.concept_id`);
  const ancestors =
    select(`SELECT min_levels_of_separation, max_levels_of_separation, ${conceptColumns} FROM ancestor
    JOIN concept ON concept.concept_id = ancestor_concept_id WHERE descendant_concept_id = ?
    AND ancestor_concept_id <> descendant_concept_id ORDER BY min_levels_of_separation, concept.concept_id`);

  const find = (conceptId: number): Concept | undefined =>
    concept.get(conceptId) as unknown as Concept | undefined;

  return {
    attributes,
    byCode(query, allowed) {
      mask = allowed;
      return codes.byCode(query);
    },
    byExactText(query, allowed) {
      const key = textKey(query);
      if (key === '') return [];
      mask = allowed;
      return bestPerConcept(exact.all(key) as unknown as LexicalHit[]).map(({ row, concept_id }) => ({
        row,
        concept_id,
        score: 1,
      }));
    },
    byWords(query, k, allowed) {
      mask = allowed;
      return words.byWords(query, k, allowed !== undefined);
    },
    frequency: (word) => words.frequency(word),
    term: (row) => term.get(row) as unknown as Term | undefined,
    termsOf: (conceptIds) =>
      (terms.all(JSON.stringify(conceptIds)) as unknown as [number, number, string][]).map(
        ([concept_id, row, key]) => ({ concept_id, row, key }),
      ),
    described: (rows) => described.all(JSON.stringify(rows)) as unknown as DescribedTerm[],
    concept: find,
    conceptByCode: (vocabularyId, wanted) =>
      byVocabulary.get(vocabularyId, codeKey(wanted), wanted) as unknown as Concept | undefined,
    page(conceptId) {
      const found = find(conceptId);
      if (found === undefined) return undefined;
      return {
        concept: found,
        synonyms: (synonyms.all(conceptId) as Row[]).map((row) => String(row['text'])),
        maps_to: mappings.all(conceptId) as unknown as ConceptPage['maps_to'],
        ancestors: ancestors.all(conceptId) as unknown as ConceptPage['ancestors'],
      };
    },
    counts: () =>
      database
        .prepare('SELECT (SELECT count(*) FROM concept) AS concepts, (SELECT count(*) FROM term) AS terms')
        .get() as never,
    close() {
      database.close();
    },
  };
}

function open(file: string): { database: DatabaseSync; attributes: RowAttributes } {
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    database.exec('PRAGMA cache_size = -32768; PRAGMA mmap_size = 268435456;');
    return { database, attributes: rowAttributes(readAttributes(database)) };
  } catch (error) {
    throw new PortiereError('INDEX_INVALID', `The lexical index ${file} cannot be opened.`, {
      hint: 'Build it again with: portiere index build',
      cause: error,
    });
  }
}
