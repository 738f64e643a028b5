import type { Filters } from './filter.ts';
import type { LexicalIndex } from './reader.ts';

/** What is asked of the words: the best `k` concepts for a text, among the rows that a filter lets pass. */
export interface WordQuestion {
  readonly q: string;
  readonly k: number;
  readonly filters: Filters;
  /** The same filters as a mask over the build's rows. */
  readonly allowed: Uint8Array | undefined;
}

/** A concept that was found by its words; a higher score is better. */
export interface WordHit {
  readonly concept_id: number;
  readonly score: number;
  /** The term that was found; undefined where the engine knows whole concepts. */
  readonly row?: number | undefined;
}

/** Finds the concepts of one build by the words of a query. */
export interface WordArm {
  readonly engine: 'sqlite-fts5' | 'elasticsearch';
  /** Each concept once, best first; rejects where the engine does not answer. */
  byWords(question: WordQuestion): Promise<readonly WordHit[]>;
  /** Rejects where it would not answer for this build. */
  ping(): Promise<void>;
}

/** Makes the arm of a build. */
export type WordEngine = (build: { readonly id: string; readonly lexical: LexicalIndex }) => WordArm;

/** The build's own full text. */
export const ownWords: WordEngine = ({ lexical }) => ({
  engine: 'sqlite-fts5',
  byWords: async ({ q, k, allowed }) => lexical.byWords(q, k, allowed),
  async ping() {
    lexical.byWords('probe', 1, undefined);
  },
});
