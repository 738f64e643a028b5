import type { Embedder } from '../embed/embedder.ts';
import type { OpenBuild } from '../index/open.ts';
import type { Filters } from '../lexical/filter.ts';
import { bestPerConcept } from '../lexical/hit.ts';
import type { DenseHits } from '../vectors/dense.ts';
import { type Rated, rate } from './rate.ts';

export interface SearchRequest {
  /** 1 to 1,000 characters. */
  readonly q: string;
  readonly filters: Filters;
  readonly limit: number;
}

export type ArmName = 'code' | 'exact' | 'lexical' | 'dense';

/** A concept found by one arm: its row (the term that matched) and the arm's score. */
export interface ArmHit {
  readonly concept_id: number;
  readonly row: number;
  readonly score: number;
}

export interface Found {
  /** What each arm finds by itself, best first, one row a concept. */
  readonly arms: Readonly<Record<ArmName, readonly ArmHit[]>>;
  /** Every concept that any arm found, in no order. */
  readonly rated: readonly Rated[];
  /** Why the vectors did not answer; undefined where they did. The words answer alone then. */
  readonly denseFailure: unknown;
}

/** Candidates that each arm gives to the fusion. */
const candidates = 100;

/** Asks every arm, then rates what they found together. */
export async function runArms(
  build: OpenBuild,
  embedder: Embedder,
  { q, filters, limit }: SearchRequest,
): Promise<Found> {
  const { lexical, conceptIds } = build;
  const allowed = lexical.attributes.mask(filters);
  const k = Math.max(candidates, limit);
  // The vector search has threads of its own, and is under way before the words are looked up on this one.
  const [{ vector, nearest, failure }, words] = await Promise.all([
    askVectors(build, embedder, { q, k, allowed }),
    askWords(build, { q, k, allowed }),
  ]);
  const arms = { ...words, dense: perConcept(nearest, conceptIds).slice(0, k) };
  const found = new Set(Object.values(arms).flatMap((hits) => hits.map(({ concept_id }) => concept_id)));
  try {
    return { arms, rated: await rate(build, { q, vector, nearest }, found), denseFailure: failure };
  } catch (late) {
    const byWords = new Set(Object.values(words).flatMap((hits) => hits.map(({ concept_id }) => concept_id)));
    const rated = await rate(build, { q, vector: undefined, nearest: nothing }, byWords);
    return { arms: { ...words, dense: [] }, rated, denseFailure: late };
  }
}

interface Question {
  readonly q: string;
  readonly k: number;
  readonly allowed: Uint8Array | undefined;
}

const nothing: DenseHits = { rows: [], scores: [] };

async function askVectors(
  { dense }: OpenBuild,
  embedder: Embedder,
  { q, k, allowed }: Question,
): Promise<{ vector: Float32Array | undefined; nearest: DenseHits; failure: unknown }> {
  try {
    const vector = await embedder.embed([q]);
    const blank = vector.every((value) => value === 0);
    return {
      vector,
      nearest: blank ? nothing : await dense.search(vector, k * 2, allowed),
      failure: undefined,
    };
  } catch (failure) {
    return { vector: undefined, nearest: nothing, failure };
  }
}

async function askWords(
  { lexical }: OpenBuild,
  { q, k, allowed }: Question,
): Promise<Pick<Found['arms'], 'code' | 'exact' | 'lexical'>> {
  return {
    code: lexical.byCode(q, allowed),
    exact: lexical.byExactText(q, allowed),
    lexical: lexical.byWords(q, k, allowed),
  };
}

/** Names and synonyms of a concept collapse to the nearest of them. */
function perConcept({ rows, scores }: DenseHits, conceptIds: Float64Array): ArmHit[] {
  return bestPerConcept(
    rows.map((row, index) => ({ concept_id: conceptIds[row] ?? 0, row, score: scores[index] ?? 0 })),
  );
}
