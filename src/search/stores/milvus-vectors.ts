import type { VectorDatabase, VectorRow } from '../../ports/vector-database.ts';
import type { Filters } from '../lexical/filter.ts';
import type { GraphShape } from './graph-shape.ts';
import type { StoredRow } from './stored-rows.ts';
import type { NearestQuestion, VectorStore } from './vector-store.ts';

/** More results than this are refused. */
const mostResults = 16_384;

/** The collection of a build; a name there holds letters, digits and _ alone. */
export function collectionOf(buildId: string, prefix: string): string {
  return `${prefix}_${buildId.toLowerCase().replaceAll('-', '_')}`;
}

/** Whether a collection is one of a build, or of one that is being loaded: nobody else's may be dropped. */
export function isBuildCollection(name: string, prefix: string): boolean {
  return (
    name.startsWith(`${prefix}_`) &&
    /^\d{8}t\d{9}z_[0-9a-f]{8}(?:_loading)?$/.test(name.slice(prefix.length + 1))
  );
}

/** Fields of a row beside its number and its vector. */
export const collectionFields = {
  texts: ['concept_id', 'vocabulary_id', 'domain_id', 'concept_class_id', 'standard_concept'],
  flags: ['valid'],
} as const;

/** A term as a row of a collection: what searches are narrowed by is folded, because comparing there is exact. */
export function collectionRow(stored: StoredRow): VectorRow {
  return {
    id: stored.row,
    attributes: {
      concept_id: String(stored.concept_id),
      vocabulary_id: folded(stored.vocabulary_id),
      domain_id: folded(stored.domain_id),
      concept_class_id: folded(stored.concept_class_id),
      standard_concept: folded(stored.standard_concept ?? 'none'),
      valid: stored.invalid_reason === null,
    },
    vector: [...stored.vector],
  };
}

/** Vectors by Milvus, a collection a build. */
export function milvusVectors(database: VectorDatabase, prefix: string, graph: GraphShape): VectorStore {
  return {
    engine: 'milvus',
    nearest: async (buildId, question) =>
      await nearestIn(database, collectionOf(buildId, prefix), question, graph),
  };
}

/** Rows of a collection near a vector. */
export async function nearestIn(
  database: VectorDatabase,
  collection: string,
  { vector, k, filters, timeout }: NearestQuestion,
  graph: GraphShape,
): Promise<readonly number[]> {
  const most = Math.min(k, mostResults);
  const filter = filterExpression(filters);
  return await database.search(collection, { vector, k: most, ef: most * graph.effort, filter, timeout });
}

/**
 * Filters in the language of Milvus. Values stand in it only as quoted literals, so that whatever they hold is no
 * part of the expression.
 */
export function filterExpression(filters: Filters): string {
  const { vocabulary_id, exclude_vocabulary_id, domain_id, concept_class_id, standard_concept, valid } =
    filters;
  return [
    ...oneOf('vocabulary_id', vocabulary_id),
    ...oneOf('domain_id', domain_id),
    ...oneOf('concept_class_id', concept_class_id),
    ...oneOf('standard_concept', standard_concept),
    ...oneOf('vocabulary_id', exclude_vocabulary_id).map((clause) => `not (${clause})`),
    ...(valid === undefined ? [] : [`valid == ${valid}`]),
  ].join(' and ');
}

function oneOf(field: string, values: readonly string[] | undefined): string[] {
  if (values === undefined || values.length === 0) return [];
  return [`${field} in [${values.map((value) => quoted(folded(value))).join(', ')}]`];
}

/** A literal of JSON is one of Milvus; what is not plain is written by its number, as a literal of Go. */
function quoted(value: string): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/gu, (sign) => {
    const number = sign.codePointAt(0) ?? 0;
    const [letter, digits] = number > 0xffff ? ['U', 8] : ['u', 4];
    return `\\${letter}${number.toString(16).padStart(digits, '0')}`;
  });
}

/** A field takes 1,024 bytes; what is longer is no identifier of anybody's. Half a sign is none that can be sent. */
function folded(value: string): string {
  return value.toLowerCase().slice(0, 256).toWellFormed();
}
