import type { DenseHits } from './dense.ts';
import type { ScanQuestion } from './list-question.ts';
import { type ListScorer, SLOTS } from './list-scorer.ts';
import type { ListShard } from './list-shard.ts';
import { createTopK, type TopK } from './top-k.ts';

/** Looks for rows in the lists of a shard. */
export interface ListScan {
  best(question: ScanQuestion): DenseHits;
  /** Scores of rows as they are held; NaN for rows of other shards. */
  scores(query: Float32Array, rows: readonly number[]): number[];
}

export interface ScanOptions {
  /** Rows of the whole index. */
  readonly count: number;
  /** Whether scores must be those FAISS gives: nobody looks at the vectors afterwards. */
  readonly precise: boolean;
}

export function createListScan(
  shard: ListShard,
  scorer: ListScorer,
  { count, precise }: ScanOptions,
): ListScan {
  const { lists, firstSlots, centroidScore } = shard;
  const placeOf = new Map(Array.from(lists, (list, at) => [list, at]));
  const twice = precise && !scorer.exact;
  let slotOfRow: Int32Array | undefined;

  const preciseScores = (query: Float32Array, rows: readonly number[]): number[] => {
    slotOfRow ??= slotsByRow(shard, count);
    scorer.setQuery(query);
    return rows.map((row) => {
      const slot = slotOfRow![row]!;
      if (slot < 0) return Number.NaN;
      const base = scorer.byResidual ? centroidScore(query, listOfSlot(firstSlots, slot)) : 0;
      return Math.fround(base + scorer.score(slot));
    });
  };
  return {
    best({ query, k, lists: asked, allowed }) {
      scorer.setQuery(query);
      // Twice as many as asked make up for what quick scores mistake.
      const best = createTopK(twice ? 2 * k + 64 : k);
      for (const [at, list] of asked.rows.entries()) {
        const place = placeOf.get(list);
        if (place === undefined) continue;
        const base = scorer.byResidual ? asked.scores[at]! : 0;
        offerList(
          { shard, scorer, best, allowed },
          { first: firstSlots[place]!, end: firstSlots[place + 1]!, base },
        );
      }
      const quick = best.hits();
      if (!twice) return quick;
      const again = createTopK(k);
      const scores = preciseScores(query, quick.rows);
      for (const [at, row] of quick.rows.entries()) again.offer(row, scores[at]!);
      return again.hits();
    },
    scores: preciseScores,
  };
}

interface Offering {
  readonly shard: ListShard;
  readonly scorer: ListScorer;
  readonly best: TopK;
  readonly allowed: Uint8Array | undefined;
}

function offerList(
  { shard, scorer, best, allowed }: Offering,
  { first, end, base }: { readonly first: number; readonly end: number; readonly base: number },
): void {
  const { rows } = shard;
  let threshold = best.threshold();
  for (let slot = first; slot < end; slot += SLOTS) {
    const count = Math.min(SLOTS, end - slot);
    const scores = scorer.scores(slot, count);
    for (let at = 0; at < count; at += 1) {
      const score = Math.fround(base + scores[at]!);
      if (score < threshold) continue;
      const row = rows[slot + at]!;
      if (allowed && allowed[row] === 0) continue;
      best.offer(row, score);
      threshold = best.threshold();
    }
  }
}

function slotsByRow({ rows }: ListShard, count: number): Int32Array {
  const slots = new Int32Array(count).fill(-1);
  for (const [slot, row] of rows.entries()) slots[row] = slot;
  return slots;
}

/** The last list that begins at or before the slot and is not empty. */
function listOfSlot(firstSlots: Uint32Array, slot: number): number {
  let [low, high] = [0, firstSlots.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firstSlots[middle]! <= slot) low = middle;
    else high = middle;
  }
  return low;
}
