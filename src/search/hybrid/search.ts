import type { Embedder } from '../embed/embedder.ts';
import type { OpenBuild } from '../index/open.ts';
import type { Concept } from '../vocabulary/concept.ts';
import { type ArmName, runArms, type SearchRequest } from './arms.ts';
import { type FusedHit, fuse } from './fuse.ts';

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
  /** Why the vectors did not answer, for the log; undefined where they did. */
  readonly denseFailure: unknown;
  /** The same of what answers by words. */
  readonly wordsFailure: unknown;
}

/** The code first, then texts equal to the query, the code's category, words and vectors fused. Filters apply in every arm before its top k. */
export async function search(
  build: OpenBuild,
  embedder: Embedder,
  request: SearchRequest,
): Promise<SearchAnswer> {
  const found = await runArms(build, embedder, request);
  const hits = fuse(found).slice(0, request.limit);
  const { denseFailure, wordsFailure } = found;
  return {
    build: build.manifest.id,
    arms: [
      'code',
      'exact',
      ...(wordsFailure === undefined ? (['lexical'] as const) : []),
      ...(denseFailure === undefined ? (['dense'] as const) : []),
    ],
    hits: describe(build, hits),
    denseFailure,
    wordsFailure,
  };
}

function describe({ lexical }: OpenBuild, hits: readonly FusedHit[]): Hit[] {
  const terms = new Map(lexical.described(hits.map(({ row }) => row)).map((term) => [term.row, term]));
  return hits.map((hit) => {
    const term = terms.get(hit.row);
    if (term === undefined) throw new Error(`row ${hit.row} is not in the lexical index`);
    const { row: _, kind, text, ...concept } = term;
    return {
      ...concept,
      matched_text: hit.arm === 'code' ? concept.concept_code : text,
      match: hit.arm === 'code' ? 'code' : hit.arm === 'dense' ? 'vector' : kind,
      ranks: hit.ranks,
      score: Number(hit.score.toFixed(6)),
    };
  });
}
