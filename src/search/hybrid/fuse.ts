import type { EmbedderIdentity } from '../embed/embedder.ts';
import type { ArmHits, ArmName } from './search.ts';

/** A concept found by one arm: its row (the term that matched) and the arm's score, best first. */
export interface ArmHit {
  readonly concept_id: number;
  readonly row: number;
  readonly score: number;
}

export interface FusedHit {
  readonly concept_id: number;
  readonly score: number;
  readonly ranks: Readonly<Partial<Record<ArmName, number>>>;
  /** The row to show: that of the arm which says most for the concept. */
  readonly row: number;
  readonly arm: ArmName;
}

/** How much each of the two arms that rank says, by embedder. */
const weights: Readonly<Record<EmbedderIdentity['provider'], { lexical: number; dense: number }>> = {
  hashing: { lexical: 0.5, dense: 0.5 },
  transformers: { lexical: 0.3, dense: 0.7 },
};

/** Cormack's constant. */
const rankConstant = 60;

/**
 * Weighted reciprocal rank fusion of words and vectors (each gives weight * 60 / (60 + rank), so below 1), over
 * which a concept with the same text stands by 1 and one with the code by 2. Ties go to the lower concept id.
 */
export function fuse(arms: ArmHits, provider: EmbedderIdentity['provider']): FusedHit[] {
  const gains: Readonly<Record<ArmName, (rank: number) => number>> = {
    code: () => 2,
    exact: () => 1,
    lexical: (rank) => (weights[provider].lexical * rankConstant) / (rankConstant + rank),
    dense: (rank) => (weights[provider].dense * rankConstant) / (rankConstant + rank),
  };
  const fused = new Map<number, FusedHit & { best: number }>();
  for (const arm of Object.keys(gains) as ArmName[]) {
    for (const [index, hit] of arms[arm].entries()) {
      const gain = gains[arm](index + 1);
      const known = fused.get(hit.concept_id);
      const better = known === undefined || gain > known.best;
      fused.set(hit.concept_id, {
        concept_id: hit.concept_id,
        score: (known?.score ?? 0) + gain,
        ranks: { ...known?.ranks, [arm]: index + 1 },
        row: better ? hit.row : known.row,
        arm: better ? arm : known.arm,
        best: better ? gain : known.best,
      });
    }
  }
  return [...fused.values()].sort((a, b) => b.score - a.score || a.concept_id - b.concept_id);
}
