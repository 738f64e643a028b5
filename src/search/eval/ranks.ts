import { setTimeout as sleep } from 'node:timers/promises';

import type { Embedder } from '../embed/embedder.ts';
import { type Found, runArms } from '../hybrid/arms.ts';
import { fuse } from '../hybrid/fuse.ts';
import type { OpenBuild } from '../index/open.ts';
import type { CharGrams } from './char-grams.ts';
import { reciprocalRanks } from './reciprocal.ts';
import type { Arm } from './report.ts';

/** The place of the labelled concept in each list, 1-based within the first 100; 0 where it is not there. */
export interface Ranks extends Readonly<Record<Arm, number>> {
  readonly rrf: number;
  /** Undefined where they were not asked. */
  readonly char_grams: number | undefined;
}

/** As many as an arm gives to the fusion. */
export const depth = 100;
/** A word engine that failed rests for a second before it is asked again. */
const pauses = [1_100, 2_200];

/** Asks every arm; one that fails three times ends the evaluation with its reason. */
export async function askArms(build: OpenBuild, embedder: Embedder, q: string): Promise<Found> {
  for (let attempt = 0; ; attempt += 1) {
    const found = await runArms(build, embedder, { q, filters: {}, limit: depth });
    const failure = found.denseFailure ?? found.wordsFailure;
    if (failure === undefined) return found;
    const pause = pauses[attempt];
    if (pause === undefined) throw failure;
    await sleep(pause);
  }
}

/** Where a concept stands in what each arm found, in the fused list, and in what stands beside it. */
export function ranksOf(
  found: Found,
  conceptId: number,
  { text, charGrams }: { readonly text: string; readonly charGrams: CharGrams | undefined },
): Ranks {
  return {
    bm25: rankIn(found.arms.lexical, conceptId),
    dense: rankIn(found.arms.dense, conceptId),
    hybrid: rankIn(fuse(found), conceptId),
    rrf: rankIn(reciprocalRanks(found), conceptId),
    char_grams: charGrams && rankIn(charGrams.best(text, depth), conceptId),
  };
}

/** 1-based, 0 where it is not among the first 100. */
export function rankIn(hits: readonly { readonly concept_id: number }[], conceptId: number): number {
  const at = hits.findIndex((hit) => hit.concept_id === conceptId);
  return at < depth ? at + 1 : 0;
}

/** The better of two ranks. */
export function better(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}
