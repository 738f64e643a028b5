import type { Concept, ConceptRelationship, ConceptSynonym } from './concept.ts';
import { createIdTable } from './id-table.ts';

interface FlagCount {
  readonly rows: number;
  /** Those of them with an invalid_reason. */
  readonly invalid: number;
}

export interface VocabularyCount {
  readonly vocabulary_id: string;
  readonly rows: number;
  readonly standard: FlagCount;
  readonly classification: FlagCount;
  readonly source: FlagCount;
  readonly synonyms: number;
}

/** What was counted; vocabularies by id, relationship kinds by rows, most first. */
export interface Census {
  readonly vocabularies: readonly VocabularyCount[];
  readonly duplicateIds: number;
  readonly highestId: number | null;
  readonly dates: {
    readonly firstStart: string;
    readonly lastStart: string;
    readonly lastEnd: string;
  } | null;
  readonly relationshipKinds: readonly { readonly relationship_id: string; readonly rows: number }[];
  readonly synonymsOfUnknownConcepts: number;
  readonly relationshipsOfUnknownConcepts: number;
}

export interface CensusTaker {
  /** All concepts first: the others are counted against them. */
  concepts(batch: readonly Concept[]): void;
  synonyms(batch: readonly ConceptSynonym[]): void;
  relationships(batch: readonly ConceptRelationship[]): void;
  result(): Census;
}

type Flag = 'standard' | 'classification' | 'source';
type Counting = {
  -readonly [Key in keyof VocabularyCount]: VocabularyCount[Key] extends FlagCount
    ? { rows: number; invalid: number }
    : VocabularyCount[Key];
};

/** Counts a download as it streams by, keeping two bytes per concept id. */
export function createCensus(): CensusTaker {
  const numbers = new Map<string, number>();
  const counts: Counting[] = [];
  const vocabularyOf = createIdTable();
  const kinds = new Map<string, number>();
  let duplicateIds = 0;
  let highestId: number | null = null;
  let dates: Census['dates'] = null;
  let synonymsOfUnknownConcepts = 0;
  let relationshipsOfUnknownConcepts = 0;

  function numberOf(vocabulary_id: string): number {
    const before = numbers.get(vocabulary_id);
    if (before !== undefined) return before;
    counts.push({
      vocabulary_id,
      rows: 0,
      standard: { rows: 0, invalid: 0 },
      classification: { rows: 0, invalid: 0 },
      source: { rows: 0, invalid: 0 },
      synonyms: 0,
    });
    numbers.set(vocabulary_id, counts.length);
    return counts.length;
  }

  return {
    concepts(batch) {
      for (const concept of batch) {
        const number = numberOf(concept.vocabulary_id);
        const count = counts[number - 1]!;
        const flag = count[flagOf(concept)];
        count.rows += 1;
        flag.rows += 1;
        if (concept.invalid_reason !== null) flag.invalid += 1;
        if (vocabularyOf.get(concept.concept_id) !== 0) duplicateIds += 1;
        vocabularyOf.set(concept.concept_id, number);
        highestId = Math.max(highestId ?? 0, concept.concept_id);
        dates = widened(dates, concept);
      }
    },
    synonyms(batch) {
      for (const { concept_id } of batch) {
        const number = vocabularyOf.get(concept_id);
        if (number === 0) synonymsOfUnknownConcepts += 1;
        else counts[number - 1]!.synonyms += 1;
      }
    },
    relationships(batch) {
      for (const { concept_id_1, concept_id_2, relationship_id } of batch) {
        kinds.set(relationship_id, (kinds.get(relationship_id) ?? 0) + 1);
        const known = vocabularyOf.get(concept_id_1) !== 0 && vocabularyOf.get(concept_id_2) !== 0;
        if (!known) relationshipsOfUnknownConcepts += 1;
      }
    },
    result: () => ({
      vocabularies: counts.toSorted((a, b) => compare(a.vocabulary_id, b.vocabulary_id)),
      duplicateIds,
      highestId,
      dates,
      relationshipKinds: [...kinds]
        .map(([relationship_id, rows]) => ({ relationship_id, rows }))
        .sort((a, b) => b.rows - a.rows || compare(a.relationship_id, b.relationship_id)),
      synonymsOfUnknownConcepts,
      relationshipsOfUnknownConcepts,
    }),
  };
}

function flagOf({ standard_concept }: Concept): Flag {
  if (standard_concept === 'S') return 'standard';
  return standard_concept === 'C' ? 'classification' : 'source';
}

function widened(dates: Census['dates'], concept: Concept): Census['dates'] {
  const { valid_start_date: start, valid_end_date: end } = concept;
  if (dates === null) return { firstStart: start, lastStart: start, lastEnd: end };
  if (start >= dates.firstStart && start <= dates.lastStart && end <= dates.lastEnd) return dates;
  return {
    firstStart: start < dates.firstStart ? start : dates.firstStart,
    lastStart: start > dates.lastStart ? start : dates.lastStart,
    lastEnd: end > dates.lastEnd ? end : dates.lastEnd,
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
