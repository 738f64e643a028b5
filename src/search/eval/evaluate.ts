import type { Progress } from '../../ports.ts';
import type { Embedder } from '../embed/embedder.ts';
import { shippedWeights } from '../hybrid/rate.ts';
import type { OpenBuild } from '../index/open.ts';
import { textKey } from '../lexical/normalise.ts';
import { type CharGrams, charGramsOf } from './char-grams.ts';
import { measureLatency } from './latency.ts';
import { type NoiseKind, withNoise } from './noise.ts';
import type { LabelledQuery } from './queries.ts';
import { askArms, ranksOf } from './ranks.ts';
import type { EvalReport, Latency, Slice } from './report.ts';
import { type Answered, scoreSlices } from './slices.ts';
import { isDev, newTuner, type Tuner } from './tune.ts';

/** Noise, intervals and the order of words follow from it. */
const seed = 20_261_121;
/** Queries under way at once while recall is measured; never while time is. */
const lanes = 2;

export interface EvalWish {
  readonly queries: readonly LabelledQuery[];
  readonly noise: readonly NoiseKind[];
  /** Look for better weights as well. */
  readonly tune: boolean;
  readonly progress: Progress;
}

/** What an evaluation finds out by itself; who asked and what from is added by the caller. */
export type Findings = Omit<
  EvalReport,
  'format' | 'made_at' | 'portiere' | 'file' | 'queries_in_file' | 'queries'
>;

/** Times every arm, then asks every query in every kind of noise of each arm alone and of the hybrid search. */
export async function evaluate(
  build: OpenBuild,
  embedder: Embedder,
  { queries, noise, tune, progress }: EvalWish,
): Promise<Findings> {
  const latency = await timed(build, embedder, queries, progress);
  const slices = queries.map((query) => slicesOf(build, query));
  const asked = noise.flatMap((kind) =>
    queries.flatMap(({ query }, index) => {
      const text = withNoise(kind, query, seed);
      return text === undefined ? [] : [{ noise: kind, query: index, text }];
    }),
  );
  const tuner = tune ? newTuner() : undefined;
  progress.say('reading every text for the character grams that stand beside it');
  const charGrams = await charGramsOf(build.lexical);
  const answered = await answerAll(build, embedder, { asked, queries, charGrams, tuner, progress });
  const { manifest, dense, words } = build;
  return {
    build: manifest.id,
    embedding: manifest.embedding,
    dense: {
      type: manifest.dense.type,
      engine: dense.engine,
      count: manifest.dense.count,
      dimension: manifest.dense.dimension,
    },
    words: words.engine,
    weights: shippedWeights,
    absent: queries.filter(({ concept_id }) => build.lexical.concept(concept_id) === undefined).length,
    seed,
    noise,
    scores: scoreSlices(answered, (query) => slices[query] ?? [], seed),
    latency,
    tuning: tuner?.result(seed) ?? null,
  };
}

async function timed(
  build: OpenBuild,
  embedder: Embedder,
  queries: readonly LabelledQuery[],
  progress: Progress,
): Promise<Latency[]> {
  const texts = queries.map(({ query }) => query);
  return await measureLatency(build, embedder, texts, (done, total) => {
    progress.update(done, total, 'timed queries');
  });
}

interface Asked {
  readonly noise: NoiseKind;
  readonly query: number;
  readonly text: string;
}

/** In the order of `asked`, however the lanes come along. */
async function answerAll(
  build: OpenBuild,
  embedder: Embedder,
  {
    asked,
    queries,
    charGrams,
    tuner,
    progress,
  }: {
    readonly asked: readonly Asked[];
    readonly queries: readonly LabelledQuery[];
    readonly charGrams: CharGrams | undefined;
    readonly tuner: Tuner | undefined;
    readonly progress: Progress;
  },
): Promise<Answered[]> {
  const answered: Answered[] = [];
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < asked.length; at = next++) {
      const { noise, query, text } = asked[at] as Asked;
      const { query: original, concept_id } = queries[query] as LabelledQuery;
      const found = await askArms(build, embedder, text);
      answered[at] = { noise, query, ranks: ranksOf(found, concept_id, { text, charGrams }) };
      tuner?.add(noise, original, found, concept_id);
      done += 1;
      progress.update(done, asked.length, 'queries');
      if (done % 20 === 0) await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return answered;
}

function slicesOf({ lexical }: OpenBuild, { query, concept_id, slice }: LabelledQuery): Slice[] {
  return [
    { by: 'all', name: '' },
    { by: 'half', name: isDev(query) ? 'dev' : 'test' },
    ...(slice === undefined ? [] : [{ by: 'file', name: slice } as const]),
    { by: 'vocabulary', name: lexical.concept(concept_id)?.vocabulary_id ?? 'not in the build' },
    { by: 'words', name: lengthOf(query) },
  ];
}

function lengthOf(query: string): string {
  const words = textKey(query).split(' ').length;
  return words <= 1 ? '1 word' : words <= 3 ? '2-3 words' : words <= 6 ? '4-6 words' : '7 or more words';
}
