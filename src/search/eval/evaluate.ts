import type { Progress } from '../../ports.ts';
import type { Embedder } from '../embed/embedder.ts';
import { runArms } from '../hybrid/arms.ts';
import { fuse } from '../hybrid/fuse.ts';
import type { OpenBuild } from '../index/open.ts';
import { misspell } from './noise.ts';
import type { LabelledQuery } from './queries.ts';

/** How well one arm finds the labelled concepts. */
export interface Score {
  readonly arm: 'bm25' | 'dense' | 'hybrid';
  readonly noise: 'none' | 'misspelled';
  readonly recall_at_1: number;
  readonly recall_at_10: number;
  /** Mean reciprocal rank within the first 100. */
  readonly mrr: number;
  readonly queries: number;
}

const arms = ['bm25', 'dense', 'hybrid'] as const;
const noiseSeed = 20_261_121;

/** Runs every query through each arm alone and through the hybrid search, as it is and misspelled. */
export async function evaluate(
  build: OpenBuild,
  embedder: Embedder,
  { queries, progress }: { readonly queries: readonly LabelledQuery[]; readonly progress: Progress },
): Promise<Score[]> {
  const scores: Score[] = [];
  let done = 0;
  for (const noise of ['none', 'misspelled'] as const) {
    const ranks = new Map<Score['arm'], number[]>(arms.map((arm) => [arm, []]));
    for (const { query, concept_id } of queries) {
      const q = noise === 'none' ? query : misspell(query, noiseSeed);
      const found = await runArms(build, embedder, { q, filters: {}, limit: 100 });
      if (found.denseFailure !== undefined) throw found.denseFailure;
      const rankIn = (hits: readonly { readonly concept_id: number }[]): number =>
        hits.findIndex((hit) => hit.concept_id === concept_id) + 1;
      ranks.get('bm25')?.push(rankIn(found.arms.lexical));
      ranks.get('dense')?.push(rankIn(found.arms.dense));
      ranks.get('hybrid')?.push(rankIn(fuse(found).slice(0, 100)));
      done += 1;
      progress.update(done, queries.length * 2, 'queries');
      if (done % 20 === 0) await new Promise(setImmediate);
    }
    scores.push(...arms.map((arm) => scoreOf(arm, noise, ranks.get(arm) ?? [])));
  }
  return scores;
}

function scoreOf(arm: Score['arm'], noise: Score['noise'], ranks: readonly number[]): Score {
  const share = (holds: (rank: number) => boolean): number =>
    ranks.filter((rank) => rank > 0 && holds(rank)).length / Math.max(1, ranks.length);
  return {
    arm,
    noise,
    recall_at_1: share((rank) => rank === 1),
    recall_at_10: share((rank) => rank <= 10),
    mrr: ranks.reduce((sum, rank) => sum + (rank > 0 ? 1 / rank : 0), 0) / Math.max(1, ranks.length),
    queries: ranks.length,
  };
}
