import type { Embedder } from '../embed/embedder.ts';
import type { OpenBuild } from '../index/open.ts';
import type { Filters } from '../lexical/filter.ts';
import type { Concept } from '../vocabulary/concept.ts';
import { type ArmHit, type FusedHit, fuse } from './fuse.ts';

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
  /** Orders the hits of one answer: 2 for its code, 1 for the same text, and the fused score (below 1) on top. */
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

/** Exact code first, then texts equal to the query, then words and vectors fused. Filters apply in every arm before its top k. */
export async function search(build: OpenBuild, embedder: Embedder, request: SearchRequest): Promise<SearchAnswer> {
  const arms = await runArms(build, embedder, request);
  const hits = fuse(arms, build.manifest.embedding.provider).slice(0, request.limit);
  return {
    build: build.manifest.id,
    arms: ['code', 'exact', 'lexical', 'dense'],
    hits: hits.map((hit) => describe(build, hit)),
  };
}

export type ArmHits = Readonly<Record<ArmName, readonly ArmHit[]>>;

/** What each arm finds by itself, best first, one row a concept. */
export async function runArms(
  { lexical, dense, conceptIds }: OpenBuild,
  embedder: Embedder,
  { q, filters, limit }: SearchRequest,
): Promise<ArmHits> {
  const allowed = lexical.attributes.mask(filters);
  const k = Math.max(candidates, limit);
  const vector = await embedder.embed([q]);
  const nearest = vector.every((value) => value === 0)
    ? { rows: [], scores: [] }
    : await dense.search(vector, k * 2, allowed);
  return {
    code: lexical.byCode(q, allowed),
    exact: lexical.byExactText(q, allowed),
    lexical: lexical.byWords(q, k, allowed),
    dense: perConcept(nearest, conceptIds).slice(0, k),
  };
}

/** Names and synonyms of a concept collapse to the nearest of them. */
function perConcept(
  nearest: { readonly rows: readonly number[]; readonly scores: readonly number[] },
  conceptIds: Float64Array,
): ArmHit[] {
  const best = new Map<number, ArmHit>();
  for (const [index, row] of nearest.rows.entries()) {
    const concept_id = conceptIds[row] ?? 0;
    if (!best.has(concept_id)) best.set(concept_id, { concept_id, row, score: nearest.scores[index] ?? 0 });
  }
  return [...best.values()];
}

function describe({ lexical }: OpenBuild, hit: FusedHit): Hit {
  const concept = lexical.concept(hit.concept_id);
  const term = lexical.term(hit.row);
  if (concept === undefined || term === undefined) throw new Error(`row ${hit.row} is not in the lexical index`);
  return {
    ...concept,
    matched_text: hit.arm === 'code' ? concept.concept_code : term.text,
    match: hit.arm === 'code' ? 'code' : hit.arm === 'dense' ? 'vector' : term.kind,
    ranks: hit.ranks,
    score: Number(hit.score.toFixed(6)),
  };
}
