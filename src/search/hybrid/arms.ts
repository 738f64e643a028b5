import type { Embedder } from '../embed/embedder.ts';
import type { OpenBuild } from '../index/open.ts';
import type { Filters } from '../lexical/filter.ts';
import { bestPerConcept } from '../lexical/hit.ts';
import type { ConceptTerm } from '../lexical/reader.ts';
import type { WordHit, WordQuestion } from '../lexical/word-arm.ts';
import type { DenseHits } from '../vectors/dense.ts';
import { type Likeness, likenesses, type Rated, rate } from './rate.ts';

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
  /** What they were rated by, a line a term. */
  readonly terms: readonly Likeness[];
  /** Why the vectors did not answer; undefined where they did. The words answer alone then. */
  readonly denseFailure: unknown;
  /** Why what answers by words did not; undefined where it did. Codes, equal texts and vectors answer then. */
  readonly wordsFailure: unknown;
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
  // Vectors have threads of their own, words may have a server: both are under way before codes are looked up here.
  const question = { q, k, allowed, filters };
  const [{ vector, nearest, failure }, { hits, failure: wordsFailure }, texts] = await Promise.all([
    askVectors(build, embedder, question),
    askWords(build, question),
    lookUp(build, question),
  ]);
  const dense = perConcept(nearest, conceptIds).slice(0, k);
  const found = conceptsOf([texts.code, texts.exact, hits, dense]);
  // A server's filters may know letters by another case.
  const known = lexical.termsOf([...found]).filter(({ row }) => allowed?.[row] !== 0);
  const given = { ...texts, lexical: inRows(hits, known) };
  const byWords = given.lexical;
  try {
    const terms = await likenesses(build, { q, vector, nearest }, { terms: known, byWords });
    return { arms: { ...given, dense }, rated: rate(terms), terms, denseFailure: failure, wordsFailure };
  } catch (late) {
    const left = conceptsOf(Object.values(given));
    const query = { q, vector: undefined, nearest: nothing };
    const terms = await likenesses(build, query, {
      terms: known.filter(({ concept_id }) => left.has(concept_id)),
      byWords,
    });
    return { arms: { ...given, dense: [] }, rated: rate(terms), terms, denseFailure: late, wordsFailure };
  }
}

function conceptsOf(arms: readonly (readonly { readonly concept_id: number }[])[]): Set<number> {
  return new Set(arms.flatMap((hits) => hits.map(({ concept_id }) => concept_id)));
}

/**
 * The row of each concept that words found: where the engine tells none, that of its name; which of its terms fits
 * best is for the rating to say.
 */
function inRows(hits: readonly WordHit[], terms: readonly ConceptTerm[]): ArmHit[] {
  const names = new Map<number, number>();
  for (const { concept_id, row } of terms) if (!names.has(concept_id)) names.set(concept_id, row);
  return hits.flatMap(({ concept_id, score, row = names.get(concept_id) }) =>
    row === undefined ? [] : [{ concept_id, row, score }],
  );
}

const nothing: DenseHits = { rows: [], scores: [] };

async function askVectors(
  { dense }: OpenBuild,
  embedder: Embedder,
  { q, k, allowed, filters }: WordQuestion,
): Promise<{ vector: Float32Array | undefined; nearest: DenseHits; failure: unknown }> {
  try {
    const vector = await embedder.embed([q]);
    const blank = vector.every((value) => value === 0);
    return {
      vector,
      nearest: blank ? nothing : await dense.search(vector, k * 2, { filters, allowed }),
      failure: undefined,
    };
  } catch (failure) {
    return { vector: undefined, nearest: nothing, failure };
  }
}

async function lookUp(
  { lexical }: OpenBuild,
  { q, allowed }: WordQuestion,
): Promise<Pick<Found['arms'], 'code' | 'exact'>> {
  return { code: lexical.byCode(q, allowed), exact: lexical.byExactText(q, allowed) };
}

async function askWords(
  { words }: OpenBuild,
  question: WordQuestion,
): Promise<{ hits: readonly WordHit[]; failure: unknown }> {
  try {
    return { hits: await words.byWords(question), failure: undefined };
  } catch (failure) {
    return { hits: [], failure };
  }
}

/** Names and synonyms of a concept collapse to the nearest of them. */
function perConcept({ rows, scores }: DenseHits, conceptIds: Float64Array): ArmHit[] {
  return bestPerConcept(
    rows.map((row, index) => ({ concept_id: conceptIds[row] ?? 0, row, score: scores[index] ?? 0 })),
  );
}
