import type { EvalReport, Scores, SliceScores } from '../../../src/search/eval/report.ts';

const scores = (at10: number): Scores => ({
  recall_at_1: at10 / 2,
  recall_at_5: at10 * 0.9,
  recall_at_10: at10,
  recall_at_50: Math.min(1, at10 * 1.2),
  mrr: at10 * 0.6,
});

/** A slice of 300 queries in which the hybrid search is a little ahead. */
export function slice(over: Partial<SliceScores> = {}): SliceScores {
  return {
    by: 'all',
    name: '',
    noise: 'none',
    queries: 300,
    arms: { bm25: scores(0.4), dense: scores(0.5), hybrid: scores(0.55) },
    union: scores(0.6),
    peers: { rrf: scores(0.52), char_grams: scores(0.45) },
    undisturbed: null,
    gain: { over: 'dense', difference: 0.05, low: 0.031, high: 0.07, verdict: 'ahead' },
    ...over,
  };
}

/** A report with a bit of everything. */
export function report(over: Partial<EvalReport> = {}): EvalReport {
  return {
    format: 1,
    made_at: '2026-11-21T12:00:00.000Z',
    portiere: '0.1.0',
    build: 'b-1',
    embedding: {
      provider: 'hashing',
      model: 'hashing-ngram',
      revision: '1',
      pooling: 'none',
      precision: 'fp32',
      dimension: 384,
      maxLength: 0,
      digest: 'd',
    },
    dense: { type: 'IxFI', engine: 'native', count: 1_000, dimension: 384 },
    words: 'elasticsearch',
    weights: { overlap: 0.6, words: 0 },
    file: 'mine.tsv',
    queries: 300,
    queries_in_file: 3_000,
    absent: 0,
    seed: 1,
    noise: ['none', 'typo'],
    scores: [
      slice(),
      slice({ noise: 'typo', undisturbed: 0.55 }),
      slice({ by: 'vocabulary', name: 'SNOMED' }),
      slice({ by: 'words', name: '1 word', queries: 20, gain: null }),
    ],
    latency: (['bm25', 'dense', 'hybrid'] as const).map((arm, at) => ({
      arm,
      requests: 300,
      p50: at + 1,
      p95: at + 2,
      p99: at + 3,
    })),
    tuning: null,
    ...over,
  };
}
