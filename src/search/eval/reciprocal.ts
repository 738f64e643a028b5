import type { Found } from '../hybrid/arms.ts';

/** As it was published, and as search engines have it by default. */
const constant = 60;

/** Plain reciprocal rank fusion of what the words and the vectors found, best first; ties go to the lower id. */
export function reciprocalRanks({ arms }: Pick<Found, 'arms'>): { readonly concept_id: number }[] {
  const scores = new Map<number, number>();
  for (const hits of [arms.lexical, arms.dense]) {
    for (const [at, { concept_id }] of hits.entries()) {
      scores.set(concept_id, (scores.get(concept_id) ?? 0) + 1 / (constant + at + 1));
    }
  }
  return [...scores]
    .sort(([a, one], [b, other]) => other - one || a - b)
    .map(([concept_id]) => ({ concept_id }));
}
