import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { caches } from '../../src/drivers/redis.ts';
import type { Cache } from '../../src/ports/cache.ts';
import { sharedLimiter } from '../../src/search/api/limiter-shared.ts';
import { until } from '../support/cli.ts';
import { lackingRedis, startRedis, type TestServer } from '../support/servers.ts';

const password = 'b6Mj3Yf0Ts9Ug2Xd5Ke8';
const now = (): number => performance.now();

describe.skipIf(lackingRedis !== undefined)(
  `the shared rate limit, in a real Redis${lackingRedis ?? ''}`,
  () => {
    let redis: TestServer;
    let open: { close(): unknown }[] = [];
    beforeAll(async () => {
      redis = await startRedis(password);
    });
    afterAll(async () => {
      for (const one of open.splice(0)) await one.close();
      await redis.end();
    });

    async function connected(): Promise<Cache> {
      const cache = await caches.connect({ host: '127.0.0.1', port: redis.port, password });
      open.push(cache);
      await until(
        'Redis answers',
        async () =>
          await cache.ping().then(
            () => true,
            () => false,
          ),
      );
      return cache;
    }

    async function limiterOf(limit: number, prefix: string, replicas = 1) {
      const changes: (string | undefined)[] = [];
      const limiter = sharedLimiter({
        cache: await connected(),
        limit,
        replicas: () => replicas,
        prefix,
        now,
        onChange: (reason) => changes.push(reason?.message),
      });
      open.push(limiter);
      return { limiter, changes };
    }

    it('lets through as many as the limit, whichever process counts, and says when to come again', async () => {
      const [one, two] = [await limiterOf(5, 'a:'), await limiterOf(5, 'a:')];
      const answers = [];
      for (let at = 0; at < 8; at += 1) answers.push(await (at % 2 === 0 ? one : two).limiter.take('x'));
      expect(answers.map(({ allowed }) => allowed)).toEqual([
        ...Array(5).fill(true),
        ...Array(3).fill(false),
      ]);
      expect(answers.map(({ remaining }) => remaining)).toEqual([4, 3, 2, 1, 0, 0, 0, 0]);
      expect(answers[7]?.retryAfter).toBeGreaterThan(58);
      expect(answers[7]?.retryAfter).toBeLessThanOrEqual(60);
      expect((await one.limiter.take('y')).allowed).toBe(true);
    });

    it('follows a limit that was lowered', async () => {
      const high = await limiterOf(5, 'low:');
      for (let at = 0; at < 5; at += 1) await high.limiter.take('x');
      const low = await limiterOf(2, 'low:');
      expect((await low.limiter.take('x')).allowed).toBe(false);
    });

    it('accepts at most the limit in any window, under four processes', async () => {
      const [window, limit, calls] = [200_000, 50, 2_500];
      const program = fileURLToPath(new URL('../support/limiter-client.ts', import.meta.url));
      const times = (
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            const child = spawn(
              process.execPath,
              [program, String(redis.port), password, String(limit), String(window), String(calls)],
              {
                stdio: ['ignore', 'pipe', 'inherit'],
              },
            );
            let text = '';
            for await (const chunk of child.stdout) text += String(chunk);
            return JSON.parse(text) as number[];
          }),
        )
      )
        .flat()
        .toSorted((a, b) => a - b);
      expect(times.length).toBeGreaterThan(limit);
      const tooMany = times.filter((time, at) => (times[at + limit] ?? Infinity) - time < window);
      expect(tooMany).toEqual([]);
    });

    it('counts alone while Redis is killed or hangs, fast, and comes back by itself', async () => {
      const { limiter, changes } = await limiterOf(40, 'b:', 2);
      expect((await limiter.take('x')).allowed).toBe(true);
      redis.pause();
      const slow: number[] = [];
      const allowed: boolean[] = [];
      for (let at = 0; at < 100; at += 1) {
        const start = now();
        allowed.push((await limiter.take('x')).allowed);
        slow.push(now() - start);
      }
      expect(limiter.degraded()).toBe(true);
      await expect(limiter.ping()).rejects.toThrow('50 ms');
      // It let one through before: its part is 20.
      expect(allowed.filter(Boolean)).toHaveLength(19);
      expect(slow.toSorted((a, b) => a - b)[97]).toBeLessThan(20);
      redis.resume();
      await until('the limiter is back', () => !limiter.degraded());
      await redis.kill();
      expect((await limiter.take('z')).allowed).toBe(true);
      await until('the limiter falls back', async () => {
        await limiter.take('w');
        return limiter.degraded();
      });
      await redis.start();
      await until('the limiter is back', () => !limiter.degraded());
      expect((await limiter.take('z')).allowed).toBe(true);
      expect(changes.map((reason) => reason === undefined)).toEqual([false, true, false, true]);
    });

    it('is degraded, with the reason, where the password is wrong', async () => {
      const cache = await caches.connect({ host: '127.0.0.1', port: redis.port, password: 'wrong' });
      open.push(cache);
      await until(
        'Redis has refused',
        async () =>
          await cache.ping().then(
            () => false,
            ({ message }: Error) => message.includes('WRONGPASS'),
          ),
      );
      await expect(cache.ping()).rejects.toMatchObject({ hint: expect.stringContaining('REDIS_PASSWORD') });
    });

    it('keeps nothing for good', async () => {
      const { limiter } = await limiterOf(5, 'ttl:');
      await limiter.take('x');
      const cache = await connected();
      const left = await cache.run(
        { name: 'timeLeft', lua: "return redis.call('PTTL', KEYS[1])" },
        'ttl:x',
        [],
      );
      expect(left).toBeGreaterThan(50_000);
      expect(left).toBeLessThan(62_000);
    });
  },
);
