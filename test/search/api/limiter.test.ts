import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { localLimiter } from '../../../src/search/api/limiter.ts';

describe('localLimiter', () => {
  it('lets no window of a minute hold more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(30_000), { maxLength: 60 }),
        async (limit, waits) => {
          let time = 0;
          const limiter = localLimiter(limit, () => time);
          const passed: number[] = [];
          for (const wait of waits) {
            time += wait;
            const { allowed, remaining, retryAfter } = await limiter.take('a');
            const recent = passed.filter((past) => past > time - 60_000).length;
            expect(allowed).toBe(recent < limit);
            expect(remaining).toBe(allowed ? limit - recent - 1 : 0);
            if (allowed) passed.push(time);
            else expect(retryAfter).toBeGreaterThanOrEqual(1);
          }
        },
      ),
    );
  });

  it('counts each client by itself', async () => {
    const limiter = localLimiter(1, () => 0);
    expect((await limiter.take('a')).allowed).toBe(true);
    expect((await limiter.take('a')).allowed).toBe(false);
    expect((await limiter.take('b')).allowed).toBe(true);
  });
});
