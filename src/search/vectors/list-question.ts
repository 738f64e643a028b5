import type { DenseHits } from './dense.ts';

/** What a thread with lists is asked; it answers with lists or rows, and their scores. */
export type ListQuestion =
  /** Its lists nearest to the query, best first. */
  | { readonly kind: 'probe'; readonly query: Float32Array; readonly probes: number }
  | ScanQuestion
  /** All of a search by the thread that has every list: the best of the nearest lists, looked at exactly. */
  | {
      readonly kind: 'search';
      readonly query: Float32Array;
      readonly probes: number;
      readonly k: number;
    }
  /** Exact scores of any rows, from the flat file; without one, of its own rows as it holds them, others NaN. */
  | { readonly kind: 'score'; readonly query: Float32Array; readonly rows: readonly number[] };

/** The best `k` rows of some of its lists, scored by what it holds of them. */
export interface ScanQuestion {
  readonly kind: 'scan';
  readonly query: Float32Array;
  readonly k: number;
  /** Numbers of lists and their scores; those of other threads are passed over. */
  readonly lists: DenseHits;
  readonly allowed: Uint8Array | undefined;
}
