/** The best rows of a dense search, best first; ties go to the lower row. */
export interface DenseHits {
  /** Row numbers in the index (FAISS labels). */
  readonly rows: readonly number[];
  /** Inner products, one for each row. */
  readonly scores: readonly number[];
}

/** A searchable set of vectors, whatever runs it. */
export interface DenseIndex {
  /** Which implementation answers, for health and for the answer of a search. */
  readonly engine: 'native' | 'faiss-node';
  readonly dimension: number;
  readonly count: number;
  /**
   * The `k` rows of largest inner product with `query` (length `dimension`).
   * `allowed` has one byte a row, 0 = filtered out; filters apply before the top k, so k rows come back
   * whenever at least k are allowed.
   */
  search(query: Float32Array, k: number, allowed?: Uint8Array): Promise<DenseHits>;
  /** Inner products of `query` with the given rows, in their order. */
  score(query: Float32Array, rows: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}
