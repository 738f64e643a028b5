import { describe, expect, it } from 'vitest';
import type { Found } from '../../../src/search/hybrid/arms.ts';
import { fuse } from '../../../src/search/hybrid/fuse.ts';
import type { Rated } from '../../../src/search/hybrid/rate.ts';

const nothing: Found['arms'] = { code: [], exact: [], lexical: [], dense: [] };
const hit = (concept_id: number, score = 1) => ({ concept_id, row: concept_id * 10, score });
const rated = (concept_id: number, score: number, overlap = 0): Rated => ({
  concept_id,
  row: concept_id * 10 + 1,
  score,
  overlap,
});

describe('fuse', () => {
  it('orders by rating, whichever arm found it and however high it ranked it', () => {
    const hits = fuse({
      arms: { ...nothing, lexical: [hit(1), hit(2)], dense: [hit(3), hit(2)] },
      rated: [rated(1, 0.2), rated(2, 0.9), rated(3, 0.5)],
    });
    expect(hits.map(({ concept_id }) => concept_id)).toEqual([2, 3, 1]);
    expect(hits[0]).toEqual({
      concept_id: 2,
      score: 0.9,
      ranks: { lexical: 2, dense: 2 },
      row: 21,
      arm: 'lexical',
    });
    expect(hits[1]).toMatchObject({ ranks: { dense: 1 }, arm: 'dense' });
  });

  it('gives ties to the lower concept id', () => {
    const hits = fuse({
      arms: { ...nothing, dense: [hit(9), hit(4)] },
      rated: [rated(9, 0.5), rated(4, 0.5)],
    });
    expect(hits.map(({ concept_id }) => concept_id)).toEqual([4, 9]);
  });

  it('answers with nothing, or with any arm missing', () => {
    expect(fuse({ arms: nothing, rated: [] })).toEqual([]);
    expect(fuse({ arms: { ...nothing, lexical: [hit(1)] }, rated: [] })).toEqual([
      { concept_id: 1, score: 0, ranks: { lexical: 1 }, row: 10, arm: 'lexical' },
    ]);
    expect(fuse({ arms: { ...nothing, code: [hit(1)] }, rated: [] })).toMatchObject([{ score: 2, row: 10 }]);
  });

  it('puts the code over the same text over the category of the code over all else', () => {
    const hits = fuse({
      arms: { code: [hit(5), hit(6, 0.5), hit(7, 0.5)], exact: [hit(8)], lexical: [hit(1)], dense: [hit(1)] },
      rated: [rated(5, 0.01), rated(6, 0.3), rated(7, 0.99), rated(8, 0.999999, 1), rated(1, 0.99, 1)],
    });
    expect(hits.map(({ concept_id, arm }) => [concept_id, arm])).toEqual([
      [5, 'code'],
      [8, 'exact'],
      [6, 'code'],
      [7, 'code'],
      [1, 'lexical'],
    ]);
    expect(hits.map(({ score }) => Math.floor(score))).toEqual([2, 1, 1, 1, 0]);
  });

  it('shows the row of the same text, not a nearer one', () => {
    const [first] = fuse({ arms: { ...nothing, exact: [hit(1)] }, rated: [rated(1, 0.9)] });
    expect(first).toMatchObject({ row: 10, score: 1.9, arm: 'exact' });
  });

  it('leaves out what only looks like a code that was met', () => {
    const arms = { ...nothing, lexical: [hit(2)], dense: [hit(2), hit(3)] };
    const ratings = [rated(1, 0.1), rated(2, 0.4, 0.6), rated(3, 0.4, 0.4)];
    const ids = (found: Parameters<typeof fuse>[0]) => fuse(found).map(({ concept_id }) => concept_id);
    expect(ids({ arms: { ...arms, code: [hit(1)] }, rated: ratings })).toEqual([1, 2]);
    expect(ids({ arms, rated: ratings })).toEqual([2, 3]);
  });
});
