/** A concept found by one arm: its row (the term that matched) and the arm's score, best first. */
export interface ArmHit {
  readonly concept_id: number;
  readonly row: number;
  readonly score: number;
}

export interface FusedHit {
  readonly concept_id: number;
  readonly score: number;
  /** 1-based rank in each arm that found it. */
  readonly ranks: Readonly<Record<string, number>>;
  /** The row to show: that of the arm which ranks the concept best. */
  readonly row: number;
  readonly arm: string;
}

export interface Arm {
  readonly name: string;
  readonly weight: number;
  readonly hits: readonly ArmHit[];
}

/** Cormack's constant: near the best everywhere and nowhere critical. */
export const rankConstant = 60;

/** Weighted reciprocal rank fusion: each arm gives `weight / (60 + rank)`; ties go to the lower concept id. */
export function fuseRanks(arms: readonly Arm[]): FusedHit[] {
  const fused = new Map<number, { score: number; ranks: Record<string, number>; row: number; arm: string; best: number }>();
  for (const { name, weight, hits } of arms) {
    for (const [index, hit] of hits.entries()) {
      const rank = index + 1;
      const known = fused.get(hit.concept_id);
      const gain = weight / (rankConstant + rank);
      if (known === undefined) {
        fused.set(hit.concept_id, { score: gain, ranks: { [name]: rank }, row: hit.row, arm: name, best: gain });
        continue;
      }
      known.score += gain;
      known.ranks[name] = rank;
      if (gain > known.best) Object.assign(known, { best: gain, row: hit.row, arm: name });
    }
  }
  return [...fused]
    .map(([concept_id, { score, ranks, row, arm }]) => ({ concept_id, score, ranks, row, arm }))
    .sort((a, b) => b.score - a.score || a.concept_id - b.concept_id);
}
