import type { EmbedderIdentity } from '../embed/embedder.ts';
import type { Weights } from '../hybrid/rate.ts';
import type { NoiseKind } from './noise.ts';

/** What is measured: the words alone, the vectors alone, and the search that operators get. */
export const arms = ['bm25', 'dense', 'hybrid'] as const;

export type Arm = (typeof arms)[number];

/** What stands beside it: plain reciprocal rank fusion of the two arms, and TF-IDF of character grams. */
export const peers = ['rrf', 'char_grams'] as const;

export type Peer = (typeof peers)[number];

/** The ranks at which recall is taken. */
export const depths = [1, 5, 10, 50] as const;

/** Shares of the queries whose concept is among the first so many; MRR within the first 100. */
export interface Scores {
  readonly recall_at_1: number;
  readonly recall_at_5: number;
  readonly recall_at_10: number;
  readonly recall_at_50: number;
  readonly mrr: number;
}

/** Hybrid against the better of the two arms, in recall at 10 on the same queries. */
export interface Gain {
  readonly over: 'bm25' | 'dense';
  readonly difference: number;
  /** Paired bootstrap, 95 %. */
  readonly low: number;
  readonly high: number;
  readonly verdict: 'ahead' | 'even' | 'behind';
}

/** What a part of the queries is called: all, by half, by name in the file, by the concept's vocabulary, by number of words. */
export interface Slice {
  readonly by: 'all' | 'half' | 'file' | 'vocabulary' | 'words';
  readonly name: string;
}

/** One slice under one kind of noise. */
export interface SliceScores extends Slice {
  readonly noise: NoiseKind;
  /** Queries of the slice that the noise changes. */
  readonly queries: number;
  readonly arms: Readonly<Record<Arm, Scores>>;
  /** Found where either arm finds it: the ceiling of any merging of the two lists at that depth. */
  readonly union: Scores;
  /** Null for character grams where a build has too many texts for them. */
  readonly peers: Readonly<Record<Peer, Scores | null>>;
  /** Hybrid recall at 10 of the same queries as they are; null without noise, or where these were not asked. */
  readonly undisturbed: number | null;
  /** Null for slices too small to tell. */
  readonly gain: Gain | null;
}

/** Milliseconds of one request at a time on a warm index. */
export interface Latency {
  readonly arm: Arm;
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Recall of the same queries by two sets of weights. */
export interface HeldOut {
  readonly noise: NoiseKind;
  readonly queries: number;
  readonly shipped: Scores;
  readonly tuned: Scores;
  /** Tuned less shipped, recall at 10; paired bootstrap, 95 %. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

export interface Tuning {
  readonly tried: number;
  readonly dev_queries: number;
  readonly shipped: Weights;
  readonly tuned: Weights;
  /** Mean over the kinds of noise of recall at 10 on the dev half. */
  readonly dev: { readonly shipped: number; readonly tuned: number };
  readonly held_out: readonly HeldOut[];
  /** What to write into the configuration; null while the weights are no setting. */
  readonly setting: string | null;
}

/** All that an evaluation says, as `eval.json` holds it. */
export interface EvalReport {
  readonly format: 1;
  /** ISO time. */
  readonly made_at: string;
  readonly portiere: string;
  readonly build: string;
  readonly embedding: EmbedderIdentity;
  readonly dense: {
    readonly type: string;
    readonly engine: string;
    readonly count: number;
    readonly dimension: number;
  };
  readonly words: 'sqlite-fts5' | 'elasticsearch';
  readonly weights: Weights;
  readonly file: string;
  /** Queries that were asked, and those in the file. */
  readonly queries: number;
  readonly queries_in_file: number;
  /** Queries whose concept the build does not hold; they count as not found. */
  readonly absent: number;
  readonly seed: number;
  readonly noise: readonly NoiseKind[];
  readonly scores: readonly SliceScores[];
  readonly latency: readonly Latency[];
  readonly tuning: Tuning | null;
}
