import { DatabaseSync } from 'node:sqlite';

import { PortiereError } from '../../errors.ts';
import type { Concept } from '../vocabulary/concept.ts';
import { type Filters, loadAttributes, type RowAttributes } from './filter.ts';
import { codeKey, matchAny, textKey } from './normalise.ts';
import type { Term } from './writer.ts';

/** A term that matched, with BM25's score (higher is better). */
export interface LexicalHit {
  readonly row: number;
  readonly concept_id: number;
  readonly score: number;
}

export interface LexicalIndex {
  readonly attributes: RowAttributes;
  /** Concepts whose code is the query, whatever its case and punctuation; the same spelling first. */
  byCode(query: string, allowed: Uint8Array | undefined): readonly LexicalHit[];
  /** Terms equal to the query but for case, accents and punctuation; standard and valid concepts first. */
  byExactText(query: string, allowed: Uint8Array | undefined): readonly LexicalHit[];
  /** The best `k` concepts by BM25, one term each. */
  byWords(query: string, k: number, allowed: Uint8Array | undefined): readonly LexicalHit[];
  term(row: number): Term | undefined;
  /** Rows of all terms of a concept, the name first. */
  rowsOf(conceptId: number): readonly number[];
  concept(conceptId: number): Concept | undefined;
  conceptByCode(vocabularyId: string, code: string): Concept | undefined;
  page(conceptId: number): ConceptPage | undefined;
  counts(): { readonly concepts: number; readonly terms: number };
  close(): void;
}

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
  const database = open(file);
  const select = (sql: string): ReturnType<DatabaseSync['prepare']> => database.prepare(sql);
  const attributes = loadAttributes(database);
  let mask: Uint8Array | undefined;
  database.function('allowed', { deterministic: false }, (row) => mask?.[Number(row)] ?? 1);

  const code = select(`SELECT min(term.row) AS row, concept.concept_id, concept_code FROM concept
    JOIN term ON term.concept_id = concept.concept_id AND term.kind = 'name' WHERE code_key = ?
    GROUP BY concept.concept_id ORDER BY standard_concept IS NOT 'S', invalid_reason IS NOT NULL, vocabulary_id LIMIT 100`);
  const exact = select(`SELECT row, concept_id FROM term JOIN concept USING (concept_id) WHERE text_key = ?
    ORDER BY invalid_reason IS NOT NULL, standard_concept IS NOT 'S', kind, row LIMIT 1000`);
  const words = select(`SELECT term_text.rowid AS row, concept_id, -term_text.rank AS score FROM term_text
    JOIN term ON term.row = term_text.rowid WHERE term_text MATCH ? ORDER BY term_text.rank LIMIT ?`);
  const filteredWords = select(`SELECT term_text.rowid AS row, concept_id, -term_text.rank AS score FROM term_text
    JOIN term ON term.row = term_text.rowid WHERE term_text MATCH ? AND allowed(term_text.rowid)
    ORDER BY term_text.rank LIMIT ?`);
  const term = select('SELECT row, concept_id, kind, text FROM term WHERE row = ?');
  const rows = select('SELECT row FROM term WHERE concept_id = ? ORDER BY row');
  const concept = select(`SELECT ${conceptColumns} FROM concept WHERE concept_id = ?`);
  const byVocabulary = select(
    `SELECT ${conceptColumns} FROM concept WHERE vocabulary_id = ? COLLATE NOCASE AND code_key = ? ORDER BY concept_code <> ?`,
  );
  const synonyms = select("SELECT text FROM term WHERE concept_id = ? AND kind = 'synonym' ORDER BY row");
  const mappings = select(`SELECT relationship_id, ${conceptColumns} FROM mapping JOIN concept
    ON concept.concept_id = target_concept_id WHERE mapping.concept_id = ? ORDER BY relationship_id DESC, concept.concept_id`);
  const ancestors = select(`SELECT min_levels_of_separation, max_levels_of_separation, ${conceptColumns} FROM ancestor
    JOIN concept ON concept.concept_id = ancestor_concept_id WHERE descendant_concept_id = ?
    AND ancestor_concept_id <> descendant_concept_id ORDER BY min_levels_of_separation, concept.concept_id`);

  const find = (conceptId: number): Concept | undefined => concept.get(conceptId) as unknown as Concept | undefined;
  const passes = (allowed: Uint8Array | undefined, row: number): boolean => allowed === undefined || allowed[row] === 1;

  return {
    attributes,
    byCode(query, allowed) {
      const spelled = query.trim();
      // A code has a digit; without this, an ordinary word could be taken for one.
      if (!/\d/.test(spelled)) return [];
      const found = (code.all(codeKey(spelled)) as Row[]).filter((row) => passes(allowed, Number(row['row'])));
      found.sort((a, b) => Number(b['concept_code'] === spelled) - Number(a['concept_code'] === spelled));
      return found.map((row) => ({ row: Number(row['row']), concept_id: Number(row['concept_id']), score: 1 }));
    },
    byExactText(query, allowed) {
      const key = textKey(query);
      if (key === '') return [];
      const found = (exact.all(key) as Row[]).filter((row) => passes(allowed, Number(row['row'])));
      return bestPerConcept(found.map((row) => ({ row: Number(row['row']), concept_id: Number(row['concept_id']), score: 1 })));
    },
    byWords(query, k, allowed) {
      const match = matchAny(query);
      if (match === '') return [];
      mask = allowed;
      const statement = allowed === undefined ? words : filteredWords;
      for (let limit = k * 2; ; limit *= 4) {
        const found = statement.all(match, limit) as Row[];
        const hits = bestPerConcept(found as unknown as LexicalHit[]);
        if (hits.length >= k || found.length < limit) return hits.slice(0, k);
      }
    },
    term: (row) => term.get(row) as unknown as Term | undefined,
    rowsOf: (conceptId) => (rows.all(conceptId) as Row[]).map((row) => Number(row['row'])),
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
    counts: () => database.prepare('SELECT (SELECT count(*) FROM concept) AS concepts, (SELECT count(*) FROM term) AS terms').get() as never,
    close() {
      database.close();
    },
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -32768; PRAGMA mmap_size = 268435456;');
    return database;
  } catch (error) {
    throw new PortiereError('INDEX_INVALID', `The lexical index ${file} cannot be opened.`, {
      hint: 'Build it again with: portiere index build',
      cause: error,
    });
  }
}

/** Hits come best first, so the first of a concept is its best. */
function bestPerConcept(hits: readonly LexicalHit[]): LexicalHit[] {
  const seen = new Set<number>();
  return hits.filter((hit) => !seen.has(hit.concept_id) && seen.add(hit.concept_id));
}

export type { Filters };
