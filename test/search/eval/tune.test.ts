import { describe, expect, it } from 'vitest';
import { isDev, newTuner, ranksByWeights, weightsGrid } from '../../../src/search/eval/tune.ts';
import { rankIn } from '../../../src/search/eval/ranks.ts';
import type { Found } from '../../../src/search/hybrid/arms.ts';
import { fuse } from '../../../src/search/hybrid/fuse.ts';
import { rate } from '../../../src/search/hybrid/rate.ts';

const queries = Array.from({ length: 60 }, (_, at) => `query ${at}`);

/** Twenty candidates whose cosine misleads; the words know concept 1. */
function found(words: number): Found {
  const terms = Array.from({ length: 20 }, (_, at) => ({
    concept_id: at + 1,
    row: at,
    cosine: at === 0 ? 0.5 : 0.6,
    overlap: 0.5,
    words: at === 0 ? words : 0,
    narrower: false,
  }));
  const dense = terms.map(({ concept_id, row, cosine }) => ({ concept_id, row, score: cosine }));
  const arms = { code: [], exact: [], lexical: [], dense };
  return { arms, terms, rated: rate(terms), denseFailure: undefined, wordsFailure: undefined };
}

describe('tuning', () => {
  it('halves queries by their text alone, however it is written', () => {
    expect(queries.map(isDev)).toEqual(queries.map(isDev));
    expect(queries.filter(isDev).length).toBeGreaterThan(18);
    expect(queries.filter(isDev).length).toBeLessThan(42);
    for (const query of queries) expect(isDev(` ${query.toUpperCase()}`)).toBe(isDev(query));
  });

  it('finds the weights that help, and says on the other half by how much', () => {
    const tuner = newTuner();
    for (const query of queries) tuner.add('none', query, found(1), 1);
    const tuning = tuner.result(1);
    expect(tuning).toMatchObject({
      dev_queries: queries.filter(isDev).length,
      shipped: { overlap: 0.6, words: 0 },
      tuned: { overlap: 0.6, words: 0.1 },
      dev: { shipped: 0, tuned: 1 },
      held_out: [
        { noise: 'none', queries: queries.filter((one) => !isDev(one)).length, difference: 1, low: 1 },
      ],
      setting: null,
    });
  });

  it('ranks by other weights as the fusion does', () => {
    let state = 7;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let trial = 0; trial < 20; trial += 1) {
      const terms = Array.from({ length: 60 }, (_, row) => ({
        concept_id: 1 + Math.floor(row / 2),
        row,
        cosine: random(),
        overlap: random(),
        words: random(),
        narrower: random() < 0.3,
      }));
      const dense = terms
        .filter((_, at) => at % 2 === 0)
        .map(({ concept_id, row }) => ({ concept_id, row, score: 1 }));
      const arms = { code: [], exact: dense.slice(0, 2), lexical: [], dense };
      const one = { arms, terms, rated: rate(terms), denseFailure: undefined, wordsFailure: undefined };
      for (const gold of [1, 7, 30, 99]) {
        const byFusion = weightsGrid.map((weights) =>
          rankIn(fuse({ arms, rated: rate(terms, weights) }), gold),
        );
        expect([...ranksByWeights(one, gold)]).toEqual(byFusion);
      }
    }
  });

  it('keeps the shipped weights where none are better', () => {
    const tuner = newTuner();
    for (const query of queries) tuner.add('none', query, found(0), 1);
    expect(tuner.result(1)).toMatchObject({
      tuned: { overlap: 0.6, words: 0 },
      dev: { shipped: 0, tuned: 0 },
    });
  });

  it('says nothing of one half without the other', () => {
    expect(newTuner().result(1)).toBeUndefined();
    const tuner = newTuner();
    tuner.add('none', queries.find(isDev) ?? '', found(1), 1);
    expect(tuner.result(1)).toBeUndefined();
  });
});
