import type { OpenBuild } from '../index/open.ts';
import type { ConceptTerm } from '../lexical/reader.ts';
import type { DenseHits } from '../vectors/dense.ts';
import { narrowerThanAsked } from './narrower.ts';
import { overlapWith } from './overlap.ts';

/** A candidate with its nearest term. */
export interface Rated {
  readonly concept_id: number;
  readonly row: number;
  /** How much of the query the term holds, 0 to 1. */
  readonly overlap: number;
  /** At least 0, below 1. */
  readonly score: number;
}

export interface Query {
  readonly q: string;
  /** Unit vector, or zeros; undefined where the vectors do not answer, and overlap decides alone. */
  readonly vector: Float32Array | undefined;
  /** What the vector search gave, so that it need not be computed again. */
  readonly nearest: DenseHits;
}

export interface Candidates {
  /** All terms of the concepts that any arm found. */
  readonly terms: readonly ConceptTerm[];
  /** What the words found, best first. */
  readonly byWords: readonly { readonly concept_id: number; readonly score: number }[];
}

/** What is known of one term of a candidate before it is weighed. */
export interface Likeness {
  readonly concept_id: number;
  readonly row: number;
  /** Of its vector and the query's; at least 0. */
  readonly cosine: number;
  /** How much of the query the term holds, 0 to 1. */
  readonly overlap: number;
  /** BM25 of its concept as a share of the best concept's, 0 to 1; 0 where the words did not find it. */
  readonly words: number;
  /** It is another candidate's text and more words, which nobody asked for. */
  readonly narrower: boolean;
}

/** What overlap and words count beside the cosine, which counts 1. */
export interface Weights {
  readonly overlap: number;
  readonly words: number;
}

/**
 * Overlap was chosen on half of the labelled queries, and one for every embedder: from 0.4 to 0.8 recall at 10 there
 * moves by 2.5 points at most (up for misspelled queries, down for clean ones).
 */
export const shippedWeights: Weights = { overlap: 0.6, words: 0 };
/**
 * What a narrower text counts less, so that variants of one concept ("initial encounter", "left side") do not fill the
 * first ten. Chosen on half of the labelled queries; from 0.03 to 0.08 recall at 10 there moves by 0.7 points at most.
 */
export const narrowerLess = 0.05;
/** A rating stays below what a code or an equal text stands by. */
const belowOne = 1 - 1e-6;

/** Compares the query with each term of every candidate, whichever arm found it. */
export async function likenesses(
  { lexical, dense }: Pick<OpenBuild, 'lexical' | 'dense'>,
  { q, vector, nearest }: Query,
  { terms, byWords }: Candidates,
): Promise<Likeness[]> {
  const cosines = new Map(nearest.rows.map((row, index) => [row, nearest.scores[index] ?? 0]));
  const unknown = terms.map(({ row }) => row).filter((row) => !cosines.has(row));
  const computed = unknown.length === 0 || vector === undefined ? [] : await dense.score(vector, unknown);
  for (const [index, row] of unknown.entries()) cosines.set(row, computed[index] ?? 0);

  const overlapOf = overlapWith(q, {
    terms: lexical.attributes.count,
    frequency: (word) => lexical.frequency(word),
  });
  const most = byWords[0]?.score ?? 0;
  const shares = new Map(
    most > 0 ? byWords.map(({ concept_id, score }) => [concept_id, Math.max(0, score / most)]) : [],
  );
  const named = terms.map((term) => ({ ...term, overlap: overlapOf(term.key) }));
  const narrower = narrowerThanAsked(named);
  return named.map(({ concept_id, row, overlap }, at) => ({
    concept_id,
    row,
    cosine: Math.max(0, cosines.get(row) ?? 0),
    overlap,
    words: shares.get(concept_id) ?? 0,
    narrower: narrower[at] ?? false,
  }));
}

/** A term by weights: at least 0, below 1. */
export function weigh({ cosine, overlap, words, narrower }: Likeness, weights: Weights): number {
  const sum = cosine + weights.overlap * overlap + weights.words * words - (narrower ? narrowerLess : 0);
  return Math.min(belowOne, Math.max(0, sum / (1 + weights.overlap + weights.words)));
}

/** Rates every candidate by its best term. */
export function rate(terms: readonly Likeness[], weights: Weights = shippedWeights): Rated[] {
  const best = new Map<number, Rated>();
  for (const term of terms) {
    const { concept_id, row, overlap } = term;
    const score = weigh(term, weights);
    if (score > (best.get(concept_id)?.score ?? -1))
      best.set(concept_id, { concept_id, row, overlap, score });
  }
  return [...best.values()];
}
