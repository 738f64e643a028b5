import { indexOf } from '../lexical/elasticsearch-index.ts';
import { type IndexIdentity, markOf } from '../lexical/elasticsearch-mark.ts';
import type { GraphShape } from './graph-shape.ts';
import type { StoredRow } from './stored-rows.ts';

/** The index that holds the vectors of a build, beside that of its words. */
export function vectorsIndexOf(buildId: string, alias: string): string {
  return `${indexOf(buildId, alias)}-vectors`;
}

/** What such an index is made of; with another shape of the graph it is loaded anew. */
export interface VectorsOf {
  readonly build: string;
  /** Vectors in it: the texts that had something to embed. */
  readonly vectors: number;
  readonly dimension: number;
  readonly graph: GraphShape;
}

export function vectorsIdentity({ build, vectors, dimension, graph }: VectorsOf): IndexIdentity {
  const { m, efConstruction: ef_construction } = graph;
  return { format: 1, build, vectors, dimension, m, ef_construction };
}

/** The field of the vector; versions differ in whether it comes back with a document's source. */
export const vectorField = 'vector';
const keyword = { type: 'keyword', ignore_above: 8_191 } as const;
/** Above this a shard takes long to move to another node. */
const mostShardBytes = 20 * 2 ** 30;

/**
 * The body of the index of a build's vectors while it is loaded. The graph holds codes of a byte a dimension, which
 * is what searching needs in memory; norms are 1, so the inner product is the cosine.
 */
export function vectorsIndexBody(of: VectorsOf): { readonly settings: object; readonly mappings: object } {
  const { vectors, dimension, graph } = of;
  const { m, efConstruction: ef_construction } = graph;
  return {
    settings: {
      number_of_shards: Math.max(1, Math.ceil((vectors * dimension * 5) / mostShardBytes)),
      refresh_interval: '-1',
    },
    mappings: {
      _meta: markOf(vectorsIdentity(of), { complete: false, refused: 0 }),
      dynamic: 'strict',
      properties: {
        row: { type: 'integer' },
        concept_id: keyword,
        vocabulary_id: keyword,
        domain_id: keyword,
        concept_class_id: keyword,
        standard_concept: keyword,
        invalid_reason: keyword,
        [vectorField]: {
          type: 'dense_vector',
          dims: dimension,
          index: true,
          similarity: 'dot_product',
          index_options: { type: 'int8_hnsw', m, ef_construction },
        },
      },
    },
  };
}

/** What a document says besides its vector, in the order of its fields. */
export function vectorAttributes(stored: StoredRow): object {
  const { row, standard_concept, invalid_reason } = stored;
  return {
    row,
    concept_id: String(stored.concept_id),
    vocabulary_id: stored.vocabulary_id,
    domain_id: stored.domain_id,
    concept_class_id: stored.concept_class_id,
    ...(standard_concept === null ? {} : { standard_concept }),
    ...(invalid_reason === null ? {} : { invalid_reason }),
  };
}

/** The document of a term, on one line. */
export function vectorDocument(stored: StoredRow): string {
  return JSON.stringify({ ...vectorAttributes(stored), [vectorField]: Array.from(stored.vector, shortened) });
}

/** Seven places: half the text of the whole number, and a thousandth of what the codes of the graph lose. */
export function shortened(value: number): number {
  // JSON knows no negative zero.
  return Math.round(value * 1e7) / 1e7 + 0;
}
