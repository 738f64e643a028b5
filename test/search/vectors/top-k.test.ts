import { array, assert, boolean, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTopK } from '../../../src/search/vectors/top-k.ts';

describe('top k', () => {
  it('keeps what sorting everything would keep, ties to the lower row', () => {
    const scores = array(integer({ min: -3, max: 3 }), { maxLength: 60 });
    assert(
      property(scores, integer({ min: 1, max: 12 }), boolean(), (scores, k, backwards) => {
        const rows = scores.map((_, row) => row);
        const best = createTopK(k);
        for (const row of backwards ? rows.toReversed() : rows) best.offer(row, scores[row]!);
        const expected = rows.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, k);
        expect(best.hits()).toEqual({ rows: expected, scores: expected.map((row) => scores[row]) });
      }),
    );
  });

  it('never keeps a score that is not a number', () => {
    const best = createTopK(3);
    best.offer(0, Number.NaN);
    best.offer(1, -1);
    expect(best.hits()).toEqual({ rows: [1], scores: [-1] });
    expect(best.threshold()).toBe(-Infinity);
  });
});
