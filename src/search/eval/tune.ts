import type { Found } from '../hybrid/arms.ts';
import { fuse } from '../hybrid/fuse.ts';
import { type Likeness, shippedWeights, weigh, type Weights } from '../hybrid/rate.ts';
import { pairedInterval } from './bootstrap.ts';
import type { NoiseKind } from './noise.ts';
import { generator, hash } from './random.ts';
import { depth } from './ranks.ts';
import type { HeldOut, Tuning } from './report.ts';
import { hitAt10, scoresOf } from './score.ts';

/** Few parameters, few values: what a finer search finds on one half does not hold on the other. */
const overlaps = [0, 0.2, 0.4, 0.6, 0.8, 1, 1.3, 1.7];
const words = [0, 0.1, 0.2, 0.3, 0.5];
export const weightsGrid: readonly Weights[] = overlaps.flatMap((overlap) =>
  words.map((weight) => ({ overlap, words: weight })),
);

/** Tries weights on answers as they come in, and says what was best. */
export interface Tuner {
  add(noise: NoiseKind, query: string, found: Found, conceptId: number): void;
  /** Undefined where a half got no query. */
  result(seed: number): Tuning | undefined;
}

interface Half {
  readonly noise: NoiseKind;
  readonly dev: boolean;
  readonly query: string;
  /** Rank of the labelled concept by each weights of the weightsGrid. */
  readonly ranks: Uint8Array;
}

/** Whether a query belongs to the half that weights are chosen on; it follows from its text. */
export function isDev(query: string): boolean {
  return generator(hash(query.normalize('NFC').trim().toLowerCase()))() < 0.5;
}

/** Weights are chosen on the dev half; the other half says what they are worth. */
export function newTuner(): Tuner {
  const rows: Half[] = [];
  return {
    add(noise, query, found, conceptId) {
      rows.push({ noise, query, dev: isDev(query), ranks: ranksByWeights(found, conceptId) });
    },
    result(seed) {
      const dev = rows.filter((row) => row.dev);
      const test = rows.filter((row) => !row.dev);
      if (dev.length === 0 || test.length === 0) return undefined;
      const means = weightsGrid.map((_, at) => meanRecall(dev, at));
      const shipped = weightsGrid.findIndex(
        (weights) => weights.overlap === shippedWeights.overlap && weights.words === shippedWeights.words,
      );
      const tuned = bestOf(means, shipped);
      return {
        tried: weightsGrid.length,
        dev_queries: new Set(dev.map(({ query }) => query)).size,
        shipped: shippedWeights,
        tuned: weightsGrid[tuned] ?? shippedWeights,
        dev: { shipped: means[shipped] ?? 0, tuned: means[tuned] ?? 0 },
        held_out: kindsOf(test).map((noise) => heldOut(noise, test, { shipped, tuned, seed })),
        setting: null,
      };
    },
  };
}

/**
 * Rank of a concept by each weights of the weightsGrid. The fusion is done once: what stands by its code or its text, and
 * what is left out beside a code, does so whatever the weights.
 */
export function ranksByWeights({ arms, terms, rated }: Found, conceptId: number): Uint8Array {
  const ranks = new Uint8Array(weightsGrid.length);
  const ratings = new Map(rated.map(({ concept_id, score }) => [concept_id, score]));
  const fused = fuse({ arms, rated });
  const own = fused.findIndex(({ concept_id }) => concept_id === conceptId);
  if (own < 0) return ranks;
  const kin = new Set(arms.code.filter(({ score }) => score < 1).map(({ concept_id }) => concept_id));
  const places = new Map(fused.map(({ concept_id }, place) => [concept_id, place]));
  const termsOf: Likeness[][] = fused.map(() => []);
  for (const term of terms) termsOf[places.get(term.concept_id) ?? -1]?.push(term);
  for (const [at, weights] of weightsGrid.entries()) {
    const scores = fused.map(({ concept_id, score, arm }, place) =>
      arm === 'code' && kin.has(concept_id)
        ? score
        : score - (ratings.get(concept_id) ?? 0) + bestRating(termsOf[place] ?? [], weights),
    );
    const mine = scores[own] ?? 0;
    let above = 0;
    for (const [place, score] of scores.entries()) {
      const tie = Math.abs(score - mine) < 1e-9;
      if (tie ? (fused[place]?.concept_id ?? 0) < conceptId : score > mine) above += 1;
    }
    ranks[at] = above < depth ? above + 1 : 0;
  }
  return ranks;
}

/** As `rate` does it, without a list. */
function bestRating(terms: readonly Likeness[], weights: Weights): number {
  let best = 0;
  for (const term of terms) best = Math.max(best, weigh(term, weights));
  return best;
}

/** Ties go to the shipped weights, then to the nearest of them. */
function bestOf(means: readonly number[], shipped: number): number {
  const distance = (at: number): number =>
    Math.hypot(
      (weightsGrid[at]?.overlap ?? 0) - shippedWeights.overlap,
      (weightsGrid[at]?.words ?? 0) - shippedWeights.words,
    );
  let best = shipped;
  for (const at of means.keys()) {
    const more = (means[at] ?? 0) - (means[best] ?? 0);
    if (more > 1e-12 || (Math.abs(more) <= 1e-12 && distance(at) < distance(best))) best = at;
  }
  return best;
}

/** Recall at 10, each kind of noise counting the same however many queries it changes. */
function meanRecall(rows: readonly Half[], at: number): number {
  const kinds = kindsOf(rows);
  const recalls = kinds.map((kind) => {
    const own = rows.filter(({ noise }) => noise === kind);
    return own.reduce((sum, { ranks }) => sum + hitAt10(ranks[at] ?? 0), 0) / own.length;
  });
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

function kindsOf(rows: readonly Half[]): NoiseKind[] {
  return [...new Set(rows.map(({ noise }) => noise))];
}

function heldOut(
  noise: NoiseKind,
  test: readonly Half[],
  { shipped, tuned, seed }: { readonly shipped: number; readonly tuned: number; readonly seed: number },
): HeldOut {
  const rows = test.filter((row) => row.noise === noise);
  const ranks = (at: number): number[] => rows.map((row) => row.ranks[at] ?? 0);
  const differences = rows.map((row) => hitAt10(row.ranks[tuned] ?? 0) - hitAt10(row.ranks[shipped] ?? 0));
  return {
    noise,
    queries: rows.length,
    shipped: scoresOf(ranks(shipped)),
    tuned: scoresOf(ranks(tuned)),
    ...pairedInterval(differences, seed),
  };
}
