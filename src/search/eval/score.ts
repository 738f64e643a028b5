import type { Scores } from './report.ts';

/** Recall and mean reciprocal rank of ranks that are 1-based, 0 for not found. */
export function scoresOf(ranks: readonly number[]): Scores {
  const count = Math.max(1, ranks.length);
  const recall = (depth: number): number => ranks.filter((rank) => rank > 0 && rank <= depth).length / count;
  return {
    recall_at_1: recall(1),
    recall_at_5: recall(5),
    recall_at_10: recall(10),
    recall_at_50: recall(50),
    mrr: ranks.reduce((sum, rank) => sum + (rank > 0 ? 1 / rank : 0), 0) / count,
  };
}

/** One for a rank within the first ten. */
export function hitAt10(rank: number): 0 | 1 {
  return rank > 0 && rank <= 10 ? 1 : 0;
}
