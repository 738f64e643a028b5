import { describe, expect, it } from 'vitest';
import { planBatches } from '../../../src/search/embed/batches.ts';

const encoded = (text: string, length: number) => ({ text, ids: Array.from({ length }, () => 7) });

describe('batches', () => {
  it('holds one length each, within the budget, and every text once', () => {
    const texts = Array.from({ length: 50 }, (_, at) => encoded(`t${at}`, 3 + (at % 4)));
    const batches = planBatches(texts, 20);
    for (const batch of batches) {
      expect(new Set(batch.map(({ ids }) => ids.length)).size).toBe(1);
      expect(batch.length * batch[0]!.ids.length).toBeLessThanOrEqual(20);
    }
    expect(new Set(batches.flat().map(({ text }) => text)).size).toBe(50);
    expect(batches.flat()).toHaveLength(50);
  });

  it('follows from the set of texts, not from their order', () => {
    const texts = Array.from({ length: 20 }, (_, at) => encoded(`t${at}`, 4));
    expect(planBatches(texts.toReversed(), 12)).toEqual(planBatches(texts, 12));
  });

  it('gives a text longer than the budget a batch of its own', () => {
    expect(planBatches([encoded('a', 30), encoded('b', 30)], 20).map((batch) => batch.length)).toEqual([
      1, 1,
    ]);
    expect(planBatches([])).toEqual([]);
  });
});
