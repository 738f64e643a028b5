import type { Bundle } from './bundle.ts';
import type { Concept, ConceptAncestor, ConceptRelationship, ConceptSynonym } from './concept.ts';
import type { Row } from './row.ts';
import { readTable, type ReadOptions } from './table.ts';
import type { ReadableTable } from './tables.ts';

export interface ReadConceptsOptions extends ReadOptions {
  /** Vocabulary ids to keep; every vocabulary where it is left out. */
  readonly select?: ReadonlySet<string>;
}

/** The concepts of a bundle in batches of at most 2,000; errors as `readTable`. An id met twice comes out twice. */
export async function* readConcepts(
  bundle: Bundle,
  options: ReadConceptsOptions,
): AsyncGenerator<readonly Concept[]> {
  const { select } = options;
  for await (const rows of readTable(bundle, 'CONCEPT', options)) {
    const kept = select === undefined ? rows : rows.filter((row) => select.has(row[3]!));
    if (kept.length > 0) yield kept.map(toConcept);
  }
}

/** The synonyms of a bundle in batches of at most 2,000; errors as `readTable`. */
export function readSynonyms(
  bundle: Bundle,
  options: ReadOptions,
): AsyncGenerator<readonly ConceptSynonym[]> {
  return typed(bundle, 'CONCEPT_SYNONYM', options, toSynonym);
}

/** The relationships of a bundle in batches of at most 2,000; errors as `readTable`. */
export function readRelationships(
  bundle: Bundle,
  options: ReadOptions,
): AsyncGenerator<readonly ConceptRelationship[]> {
  return typed(bundle, 'CONCEPT_RELATIONSHIP', options, toRelationship);
}

/** The ancestor pairs of a bundle in batches of at most 2,000; errors as `readTable`. */
export function readAncestors(
  bundle: Bundle,
  options: ReadOptions,
): AsyncGenerator<readonly ConceptAncestor[]> {
  return typed(bundle, 'CONCEPT_ANCESTOR', options, toAncestor);
}

async function* typed<T>(
  bundle: Bundle,
  table: ReadableTable,
  options: ReadOptions,
  convert: (row: Row) => T,
): AsyncGenerator<readonly T[]> {
  for await (const rows of readTable(bundle, table, options)) yield rows.map(convert);
}

// `readTable` has checked every field: the assertions below only tell the compiler so.

function toConcept(row: Row): Concept {
  return {
    concept_id: Number(row[0]),
    concept_name: row[1]!,
    domain_id: row[2]!,
    vocabulary_id: row[3]!,
    concept_class_id: row[4]!,
    standard_concept: (row[5] || null) as Concept['standard_concept'],
    concept_code: row[6]!,
    valid_start_date: row[7]!,
    valid_end_date: row[8]!,
    invalid_reason: (row[9] || null) as Concept['invalid_reason'],
  };
}

function toSynonym(row: Row): ConceptSynonym {
  return {
    concept_id: Number(row[0]),
    concept_synonym_name: row[1]!,
    language_concept_id: Number(row[2]),
  };
}

function toRelationship(row: Row): ConceptRelationship {
  return {
    concept_id_1: Number(row[0]),
    concept_id_2: Number(row[1]),
    relationship_id: row[2]!,
    valid_start_date: row[3]!,
    valid_end_date: row[4]!,
    invalid_reason: (row[5] || null) as ConceptRelationship['invalid_reason'],
  };
}

function toAncestor(row: Row): ConceptAncestor {
  return {
    ancestor_concept_id: Number(row[0]),
    descendant_concept_id: Number(row[1]),
    min_levels_of_separation: Number(row[2]),
    max_levels_of_separation: Number(row[3]),
  };
}
