import { describe, expect, it } from 'vitest';

import { gently, piece } from '../../../src/search/vectors/gentle.ts';

function busy(milliseconds: number): string {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return 'done';
}

describe('gently', () => {
  it('rests after each piece, some times as long as it took', () => {
    const start = performance.now();
    expect(gently(() => piece(() => busy(5)))).toBe('done');
    expect(performance.now() - start).toBeGreaterThanOrEqual(20);
  });

  it('is over with its work, also where that fails', () => {
    expect(() =>
      gently(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    const start = performance.now();
    piece(() => busy(50));
    expect(performance.now() - start).toBeLessThan(200);
  });
});
