import type { Filters } from '../lexical/filter.ts';

/** A server that searches the vectors of builds in place of this program. */
export interface VectorStore {
  readonly engine: 'elasticsearch' | 'milvus';
  /** Rows of a build near a vector, at most `k`, in no order: whoever asks compares their vectors again. */
  nearest(buildId: string, question: NearestQuestion): Promise<readonly number[]>;
}

export interface NearestQuestion {
  /** Of norm 1. */
  readonly vector: Float32Array;
  readonly k: number;
  /** They apply before the nearest are chosen. */
  readonly filters: Filters;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What operators call them. */
export const serverNames = { elasticsearch: 'Elasticsearch', milvus: 'Milvus' } as const;
