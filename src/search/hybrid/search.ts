import type { Embedder } from '../embed/embedder.ts';
import type { OpenBuild } from '../index/open.ts';
import { bestPerConcept } from '../lexical/by-words.ts';
import type { Filters } from '../lexical/filter.ts';
import type { DenseHits } from '../vectors/dense.ts';
import type { Concept } from '../vocabulary/concept.ts';
import { type ArmHit, type FusedHit, fuse } from './fuse.ts';
import { type Rated, rate } from './rate.ts';

export interface SearchRequest {
  /** 1 to 1,000 characters. */
  readonly q: string;
  readonly filters: Filters;
  readonly limit: number;
}

export type ArmName = 'code' | 'exact' | 'lexical' | 'dense';

/** A concept found, with OMOP's own field names and why it was found. */
export interface Hit extends Concept {
  readonly matched_text: string;
  readonly match: 'code' | 'name' | 'synonym' | 'vector';
  /** 1-based rank in each arm that found it. */
  readonly ranks: Readonly<Partial<Record<ArmName, number>>>;
  /**
   * Orders the hits of one answer: 2 for its code, 1 for the same text, and the rating (below 1) on top; codes of
   * the same category lie between 1 and 2.
   */
  readonly score: number;
}

export interface SearchAnswer {
  /** The build that answered; every part of the answer comes from it. */
  readonly build: string;
  readonly arms: readonly ArmName[];
  readonly hits: readonly Hit[];
}

/** Candidates that each arm gives to the fusion. */
export const candidates = 100;

/** The code first, then texts equal to the query, the code's category, words and vectors fused. Filters apply in every arm before its top k. */
export async function search(
  build: OpenBuild,
  embedder: Embedder,
  request: SearchRequest,
): Promise<SearchAnswer> {
  const hits = fuse(await runArms(build, embedder, request)).slice(0, request.limit);
  return {
    build: build.manifest.id,
    arms: ['code', 'exact', 'lexical', 'dense'],
    hits: hits.map((hit) => describe(build, hit)),
  };
}

export interface Found {
  /** What each arm finds by itself, best first, one row a concept. */
  readonly arms: Readonly<Record<ArmName, readonly ArmHit[]>>;
  /** Every concept that any arm found, in no order. */
  readonly rated: readonly Rated[];
}

/** Asks every arm, then rates what they found together. */
export async function runArms(
  build: OpenBuild,
  embedder: Embedder,
  { q, filters, limit }: SearchRequest,
): Promise<Found> {
  const { lexical, dense, conceptIds } = build;
  const allowed = lexical.attributes.mask(filters);
  const k = Math.max(candidates, limit);
  const vector = await embedder.embed([q]);
  // The vector search has threads of its own, and is under way before the words are looked up on this one.
  const [nearest, words] = await Promise.all([
    vector.every((value) => value === 0) ? { rows: [], scores: [] } : dense.search(vector, k * 2, allowed),
    askWords(build, { q, k, allowed }),
  ]);
  const arms = { ...words, dense: perConcept(nearest, conceptIds).slice(0, k) };
  const found = new Set(Object.values(arms).flatMap((hits) => hits.map(({ concept_id }) => concept_id)));
  return { arms, rated: await rate(build, { q, vector, nearest }, found) };
}

async function askWords(
  { lexical }: OpenBuild,
  { q, k, allowed }: { readonly q: string; readonly k: number; readonly allowed: Uint8Array | undefined },
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

function describe({ lexical }: OpenBuild, hit: FusedHit): Hit {
  const concept = lexical.concept(hit.concept_id);
  const term = lexical.term(hit.row);
  if (concept === undefined || term === undefined)
    throw new Error(`row ${hit.row} is not in the lexical index`);
  return {
    ...concept,
    matched_text: hit.arm === 'code' ? concept.concept_code : term.text,
    match: hit.arm === 'code' ? 'code' : hit.arm === 'dense' ? 'vector' : term.kind,
    ranks: hit.ranks,
    score: Number(hit.score.toFixed(6)),
  };
}
