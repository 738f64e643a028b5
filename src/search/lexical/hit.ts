/** A term that was found; a higher score is better. */
export interface LexicalHit {
  readonly row: number;
  readonly concept_id: number;
  readonly score: number;
}

/** Hits come best first, so the first of a concept is its best. */
export function bestPerConcept<T extends { readonly concept_id: number }>(hits: readonly T[]): T[] {
  const seen = new Set<number>();
  return hits.filter((hit) => !seen.has(hit.concept_id) && seen.add(hit.concept_id));
}
