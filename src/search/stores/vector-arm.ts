import type { Filters } from '../lexical/filter.ts';
import type { DenseHits, DenseIndex } from '../vectors/dense.ts';
import type { VectorStore } from './vector-store.ts';

/** What a search of the vectors is narrowed to: filters, and the same as a mask over the build's rows. */
export interface Narrowed {
  readonly filters: Filters;
  readonly allowed: Uint8Array | undefined;
}

/** The vectors of one open build, whatever searches them. */
export interface VectorArm extends Pick<DenseIndex, 'dimension' | 'count' | 'score' | 'close'> {
  readonly engine: DenseIndex['engine'] | VectorStore['engine'];
  /** The `k` rows of largest inner product among those that pass; rejects where nothing answers for this build. */
  search(query: Float32Array, k: number, narrowed?: Narrowed): Promise<DenseHits>;
}

/** Makes the arm of a build; `file` is the flat file of its vectors. */
export type VectorEngine = (build: { readonly id: string; readonly file: string }) => Promise<VectorArm>;

/** The build's own dense index. */
export function ownVectors(index: DenseIndex): VectorArm {
  return {
    engine: index.engine,
    dimension: index.dimension,
    count: index.count,
    search: async (query, k, narrowed) => await index.search(query, k, narrowed?.allowed),
    score: async (query, rows) => await index.score(query, rows),
    async close() {
      await index.close();
    },
  };
}
