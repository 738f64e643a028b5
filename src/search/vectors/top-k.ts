import type { DenseHits } from './dense.ts';

/** Keeps the `k` best of the rows offered: larger score first, equal scores by lower row. */
export interface TopK {
  /** Considers one row; a score that is not a number is never kept. */
  offer(row: number, score: number): void;
  /** The score a row must reach to matter now: -Infinity until `k` rows are held. */
  threshold(): number;
  /** What is held, best first. */
  hits(): DenseHits;
}

/** An empty TopK for a whole `k` >= 1. */
export function createTopK(k: number): TopK {
  // A binary heap with the worst row on top, in two flat arrays.
  const rows: number[] = [];
  const scores: number[] = [];

  return {
    offer(row, score) {
      if (Number.isNaN(score)) return;
      if (rows.length < k) {
        rows.push(row);
        scores.push(score);
        siftUp(rows, scores);
      } else if (isBetter(score, row, scores[0]!, rows[0]!)) {
        rows[0] = row;
        scores[0] = score;
        siftDown(rows, scores);
      }
    },
    threshold: () => (rows.length < k ? -Infinity : scores[0]!),
    hits: () => bestFirst({ rows, scores }),
  };
}

/** The best `k` of several hits. */
export function mergeHits(parts: readonly DenseHits[], k: number): DenseHits {
  const best = createTopK(k);
  for (const { rows, scores } of parts) {
    for (const [at, row] of rows.entries()) best.offer(row, scores[at]!);
  }
  return best.hits();
}

/** The best `k` of hits in order. */
export function firstHits({ rows, scores }: DenseHits, k: number): DenseHits {
  return { rows: rows.slice(0, k), scores: scores.slice(0, k) };
}

/** The same hits ordered by larger score, then lower row. */
export function bestFirst({ rows, scores }: DenseHits): DenseHits {
  const order = rows.map((_, at) => at);
  order.sort((a, b) => scores[b]! - scores[a]! || rows[a]! - rows[b]!);
  return { rows: order.map((at) => rows[at]!), scores: order.map((at) => scores[at]!) };
}

function isBetter(score: number, row: number, otherScore: number, otherRow: number): boolean {
  return score > otherScore || (score === otherScore && row < otherRow);
}

function siftUp(rows: number[], scores: number[]): void {
  let at = rows.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBetter(scores[parent]!, rows[parent]!, scores[at]!, rows[at]!)) return;
    swap(rows, scores, at, parent);
    at = parent;
  }
}

function siftDown(rows: number[], scores: number[]): void {
  let at = 0;
  for (;;) {
    let worst = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < rows.length && isBetter(scores[worst]!, rows[worst]!, scores[child]!, rows[child]!)) {
        worst = child;
      }
    }
    if (worst === at) return;
    swap(rows, scores, at, worst);
    at = worst;
  }
}

function swap(rows: number[], scores: number[], a: number, b: number): void {
  [rows[a], rows[b]] = [rows[b]!, rows[a]!];
  [scores[a], scores[b]] = [scores[b]!, scores[a]!];
}
