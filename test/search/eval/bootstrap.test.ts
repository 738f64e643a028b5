import { describe, expect, it } from 'vitest';
import { pairedInterval } from '../../../src/search/eval/bootstrap.ts';

const differences = (gains: number, losses: number, count: number) =>
  Array.from({ length: count }, (_, at) => (at < gains ? 1 : at < gains + losses ? -1 : 0));

describe('a paired interval', () => {
  it('is near the normal one for many queries', () => {
    const { difference, low, high } = pairedInterval(differences(100, 50, 1_000), 1);
    const spread = 1.96 * Math.sqrt((0.15 - 0.05 ** 2) / 1_000);
    expect(difference).toBe(0.05);
    expect(low).toBeCloseTo(0.05 - spread, 2);
    expect(high).toBeCloseTo(0.05 + spread, 2);
  });

  it('is a point where nothing differs or there is nothing, and the same for the same seed', () => {
    expect(pairedInterval(differences(0, 0, 300), 1)).toEqual({ difference: 0, low: 0, high: 0 });
    expect(pairedInterval(differences(300, 0, 300), 1)).toEqual({ difference: 1, low: 1, high: 1 });
    expect(pairedInterval([], 1)).toEqual({ difference: 0, low: 0, high: 0 });
    const some = differences(20, 10, 200);
    expect(pairedInterval(some, 5)).toEqual(pairedInterval(some, 5));
  });

  it('covers the truth about 95 times in 100', () => {
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let covered = 0;
    for (let trial = 0; trial < 60; trial += 1) {
      const drawn = Array.from({ length: 200 }, () => (random() < 0.2 ? 1 : random() < 0.125 ? -1 : 0));
      const { low, high } = pairedInterval(drawn, trial);
      if (low <= 0.1 && high >= 0.1) covered += 1;
    }
    expect(covered).toBeGreaterThanOrEqual(53);
  });
});
