import { checkSelection, checkYield } from './select.ts';
import type { Anomalies } from './anomalies.ts';
import type { Bundle } from './bundle.ts';
import type { Concept, ConceptAncestor, ConceptRelationship, ConceptSynonym } from './concept.ts';
import { readAncestors, readConcepts, readRelationships, readSynonyms } from './read.ts';
import { stampOf } from './stamp.ts';
import { bundleVersion, readVocabularies, vocabularyIds } from './vocabularies.ts';

/** A vocabulary to build from, wherever it lies: tables as streams of batches. */
export interface VocabularySource {
  readonly kind: 'bundle' | 'database';
  /** Path of the bundle, or the database and load it stands for. */
  readonly label: string;
  /** sha256 of the bundle's tables, hex. */
  readonly digest: string;
  /** Sizes and times of the bundle's files, as `stampOf` gives them; null for a database. */
  readonly stamp: string | null;
  /** As the bundle says it (`v5.0 31-MAY-23`), or null. */
  readonly version: string | null;
  /** Selected vocabulary ids; empty = all. */
  readonly select: readonly string[];
  /** How many rows there are to read at most, for the time left; null for a selection, which is not known before. */
  readonly expected: ExpectedRows | null;
  concepts(): AsyncIterable<readonly Concept[]>;
  synonyms(): AsyncIterable<readonly ConceptSynonym[]>;
  relationships(): AsyncIterable<readonly ConceptRelationship[]>;
  ancestors(): AsyncIterable<readonly ConceptAncestor[]>;
  /** Rows that could not be used so far, all tables together. */
  unusable(): number;
  close(): Promise<void>;
}

export interface ExpectedRows {
  readonly concepts: number;
  readonly synonyms: number;
  readonly relationships: number;
  readonly ancestors: number;
}

/**
 * A bundle as a source, its selection checked against VOCABULARY.csv (VOCABULARY_UNKNOWN with the nearest id).
 * A selected vocabulary without a concept throws VOCABULARY_EMPTY once the concepts were read.
 */
export async function bundleSource(bundle: Bundle, selected: readonly string[]): Promise<VocabularySource> {
  const listed = await readVocabularies(bundle);
  const known = listed.length > 0 ? vocabularyIds(listed) : await vocabulariesMet(bundle);
  const select = selected.length === 0 ? [] : checkSelection(selected, known);
  const anomalies: Anomalies = new Map();
  // Before it is read: what changes meanwhile is then seen.
  const stamp = await stampOf(bundle.path);
  const { digest, rows } = await bundle.survey();
  return {
    kind: 'bundle',
    label: bundle.path,
    digest,
    stamp,
    version: bundleVersion(listed),
    select,
    expected:
      select.length > 0
        ? null
        : {
            concepts: rows.get('CONCEPT') ?? 0,
            synonyms: rows.get('CONCEPT_SYNONYM') ?? 0,
            relationships: rows.get('CONCEPT_RELATIONSHIP') ?? 0,
            ancestors: rows.get('CONCEPT_ANCESTOR') ?? 0,
          },
    async *concepts() {
      const met = new Map<string, number>();
      const wanted = select.length === 0 ? {} : { select: new Set(select) };
      for await (const batch of readConcepts(bundle, { anomalies, ...wanted })) {
        for (const concept of batch)
          met.set(concept.vocabulary_id, (met.get(concept.vocabulary_id) ?? 0) + 1);
        yield batch;
      }
      checkYield(select, met);
    },
    synonyms: () => (bundle.tables.has('CONCEPT_SYNONYM') ? readSynonyms(bundle, { anomalies }) : nothing()),
    relationships: () =>
      bundle.tables.has('CONCEPT_RELATIONSHIP') ? readRelationships(bundle, { anomalies }) : nothing(),
    ancestors: () =>
      bundle.tables.has('CONCEPT_ANCESTOR') ? readAncestors(bundle, { anomalies }) : nothing(),
    unusable: () => [...anomalies.values()].reduce((sum, tally) => sum + tally.lost, 0),
    close: async () => {
      await bundle.close();
    },
  };
}

async function vocabulariesMet(bundle: Bundle): Promise<string[]> {
  const met = new Set<string>();
  for await (const batch of readConcepts(bundle, { anomalies: new Map() })) {
    for (const concept of batch) met.add(concept.vocabulary_id);
  }
  return [...met];
}

async function* nothing(): AsyncGenerator<never[]> {}
