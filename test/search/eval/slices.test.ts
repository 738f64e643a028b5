import { describe, expect, it } from 'vitest';
import { better, rankIn } from '../../../src/search/eval/ranks.ts';
import { scoresOf } from '../../../src/search/eval/score.ts';
import { type Answered, scoreSlices } from '../../../src/search/eval/slices.ts';

describe('scores', () => {
  it('count ranks up to each depth, and take the reciprocal of every rank', () => {
    expect(scoresOf([1, 5, 10, 50, 100, 0, 6, 2])).toEqual({
      recall_at_1: 1 / 8,
      recall_at_5: 3 / 8,
      recall_at_10: 5 / 8,
      recall_at_50: 6 / 8,
      mrr: expect.closeTo((1 + 1 / 5 + 1 / 10 + 1 / 50 + 1 / 100 + 1 / 6 + 1 / 2) / 8, 12) as number,
    });
    expect(scoresOf([])).toMatchObject({ recall_at_1: 0, mrr: 0 });
  });

  it('know a rank, the better of two, and where there is none', () => {
    const hits = Array.from({ length: 150 }, (_, at) => ({ concept_id: at }));
    expect([rankIn(hits, 0), rankIn(hits, 99), rankIn(hits, 100), rankIn(hits, 999)]).toEqual([1, 100, 0, 0]);
    expect([better(3, 7), better(0, 7), better(3, 0), better(0, 0)]).toEqual([3, 7, 3, 0]);
  });
});

describe('slices', () => {
  const asked = (count: number, hybrid: (at: number) => number): Answered[] =>
    Array.from({ length: count }, (_, at) => ({
      noise: 'none',
      query: at,
      ranks: {
        bm25: at % 2 === 0 ? 1 : 0,
        dense: at % 4 === 0 ? 1 : 0,
        hybrid: hybrid(at),
        rrf: at % 5 === 0 ? 2 : 0,
        char_grams: at % 8 === 0 ? undefined : 1,
      },
    }));
  const all = () => [{ by: 'all', name: '' }] as const;

  it('set the hybrid against the better arm where there are 200 queries', () => {
    const gain = (answered: Answered[]) => scoreSlices(answered, all, 1)[0]?.gain;
    expect(gain(asked(199, () => 1))).toBeNull();
    expect(gain(asked(200, () => 1))).toMatchObject({ over: 'bm25', difference: 0.5, verdict: 'ahead' });
    expect(gain(asked(200, (at) => (at % 2 === 0 ? 1 : 0)))).toMatchObject({
      difference: 0,
      verdict: 'even',
    });
    expect(gain(asked(200, () => 0))).toMatchObject({ difference: -0.5, verdict: 'behind' });
  });

  it('compare with the same queries undisturbed', () => {
    const noisy = asked(4, () => 0).map((one) => ({ ...one, noise: 'order' as const }));
    const clean = asked(20, (at) => (at < 3 ? 1 : 0));
    const scored = scoreSlices([...clean, ...noisy], all, 1);
    expect(scored.map(({ noise, undisturbed }) => [noise, undisturbed])).toEqual([
      ['none', null],
      ['order', 0.75],
    ]);
    expect(scoreSlices(noisy, all, 1)[0]?.undisturbed).toBeNull();
  });
});
