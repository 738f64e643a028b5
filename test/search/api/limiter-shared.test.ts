import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Cache } from '../../../src/ports/cache.ts';
import { sharedLimiter } from '../../../src/search/api/limiter-shared.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A cache that counts without a window, and can be away or stuck. */
function given({ limit = 4, replicas = 2 } = {}) {
  const world = {
    state: 'up' as 'up' | 'away' | 'stuck',
    counts: new Map<string, number>(),
    keys: [] as string[],
  };
  const changes: boolean[] = [];
  const reach = async (): Promise<void> => {
    if (world.state === 'away') throw new Error('no Redis');
    if (world.state === 'stuck') await new Promise(() => undefined);
  };
  const cache: Cache = {
    description: 'fake',
    async run(_script, key) {
      await reach();
      const count = (world.counts.get(key) ?? 0) + 1;
      world.counts.set(key, count);
      world.keys.push(key);
      return count <= limit ? [1, limit - count, 0, '0'] : [0, 0, 60, '0'];
    },
    ping: reach,
    async close() {},
  };
  const limiter = sharedLimiter({
    cache,
    limit,
    replicas: () => replicas,
    prefix: 'p:',
    now: () => Date.now(),
    onChange: (reason) => changes.push(reason === undefined),
  });
  const times = async (count: number, client = 'x'): Promise<boolean[]> => {
    const allowed: boolean[] = [];
    for (let at = 0; at < count; at += 1) allowed.push((await limiter.take(client)).allowed);
    return allowed;
  };
  return { world, limiter, changes, times };
}

describe('the shared limiter', () => {
  it('asks the cache by a key of its own', async () => {
    const { world, limiter, times } = given();
    expect(await times(5)).toEqual([true, true, true, true, false]);
    expect(new Set(world.keys)).toEqual(new Set(['p:x']));
    expect([limiter.degraded(), limiter.component]).toEqual([false, 'redis']);
    await limiter.ping();
    limiter.close();
  });

  it('lets its part through while the cache is away, less what it let through before', async () => {
    const { world, limiter, times, changes } = given();
    await times(1);
    world.state = 'away';
    expect(await times(3)).toEqual([true, false, false]);
    expect(await times(3, 'y')).toEqual([true, true, false]);
    expect(limiter.degraded()).toBe(true);
    await expect(limiter.ping()).rejects.toThrow('no Redis');
    expect(changes).toEqual([false]);
    limiter.close();
  });

  it('waits a quarter of a second for a cache that hangs, once', async () => {
    const { world, limiter, times } = given();
    world.state = 'stuck';
    const first = limiter.take('x');
    await vi.advanceTimersByTimeAsync(250);
    expect((await first).allowed).toBe(true);
    expect(await times(2)).toEqual([true, false]);
    limiter.close();
  });

  it('comes back by itself, and counts both ways until what it let through alone is forgotten', async () => {
    const { world, limiter, times, changes } = given();
    world.state = 'away';
    expect(await times(2)).toEqual([true, true]);
    world.state = 'up';
    await vi.advanceTimersByTimeAsync(500);
    expect(changes).toEqual([false, true]);
    expect(limiter.degraded()).toBe(false);
    expect(await times(1)).toEqual([false]);
    expect(world.keys).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await times(1)).toEqual([true]);
    expect(world.keys).toEqual(['p:x']);
    limiter.close();
  });
});
