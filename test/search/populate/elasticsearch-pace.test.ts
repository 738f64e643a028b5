import { describe, expect, it } from 'vitest';

import { newPace } from '../../../src/search/populate/elasticsearch-pace.ts';

/** An engine that takes so many documents a millisecond with so many requests at once. */
function run(
  rate: (concurrency: number) => number,
  rounds: number,
): { readonly levels: number[]; pace: ReturnType<typeof newPace> } {
  let now = 0;
  const pace = newPace(() => now);
  const levels: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const concurrency = pace.concurrency();
    levels.push(concurrency);
    for (let answer = 0; answer < concurrency * 3; answer++) {
      now += 1_000 / rate(concurrency);
      pace.took(1_000, 100);
    }
  }
  return { levels, pace };
}

describe('the pace of a load', () => {
  it('starts with two requests and adds one for as long as more goes through, up to eight', () => {
    const { levels } = run((concurrency) => concurrency, 12);
    expect(levels.slice(0, 4)).toEqual([2, 3, 4, 5]);
    expect(Math.max(...levels)).toBe(8);
  });

  it('takes back one that brought nothing, and rests before it tries again', () => {
    const { levels } = run((concurrency) => Math.min(3, concurrency), 12);
    expect(levels.slice(0, 4)).toEqual([2, 3, 4, 3]);
    expect(levels.slice(4)).toEqual(Array(8).fill(3));
  });

  it('halves where the engine is overloaded, once for requests that are refused together', () => {
    let now = 0;
    const pace = newPace(() => now);
    for (let answer = 0; answer < 200; answer++) {
      now += 10 / pace.concurrency();
      pace.took(100, 10);
    }
    expect(pace.concurrency()).toBe(8);
    now += 2_000;
    pace.busy();
    pace.busy();
    expect(pace.concurrency()).toBe(4);
    for (let time = 0; time < 5; time++) {
      now += 2_000;
      pace.busy();
    }
    expect(pace.concurrency()).toBe(1);
  });

  it('makes requests smaller where they take long, or are too large', () => {
    const pace = newPace(() => 0);
    const { documents, bytes } = pace.limits();
    pace.took(documents, 5_000);
    expect(pace.limits().documents).toBe(documents / 2);
    pace.tooLarge(1_000_000);
    expect(pace.limits().bytes).toBe(500_000);
    pace.tooLarge(10);
    expect(pace.limits().bytes).toBe(1_024);
    expect(bytes).toBeGreaterThan(1_000_000);
  });
});
