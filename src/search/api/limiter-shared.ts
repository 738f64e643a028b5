import type { Cache } from '../../ports/cache.ts';
import { type Limiter, limitWindow, localLimiter } from './limiter.ts';
import { slidingWindow, takenFrom } from './sliding-window.ts';

export interface SharedLimit {
  readonly cache: Cache;
  readonly limit: number;
  /** How many processes share the limit at the moment: alone, each lets its part through. */
  readonly replicas: () => number;
  /** Before every key, so that stacks which share a server do not share limits. */
  readonly prefix: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told when it falls back to its own count, with the reason, and when it is back. */
  readonly onChange: (reason: Error | undefined) => void;
}

/** Milliseconds that a request waits for the shared count. */
const budget = 250;
/** Milliseconds between two looks whether the cache is back. */
const lookEvery = 500;

/**
 * A limiter whose count all processes share. While the cache is away each process counts for itself, up to its part of
 * the limit, and knows what it let through before; it goes on doing so for a window after the cache is back, since
 * what it let through meanwhile is counted nowhere else.
 */
export function sharedLimiter(parts: SharedLimit): Limiter & { close(): void } {
  const { cache, limit, replicas, prefix, now, onChange } = parts;
  const local = localLimiter(() => Math.ceil(limit / replicas()), now);
  let failure: Error | undefined;
  let guardedUntil = Number.NEGATIVE_INFINITY;

  const fail = (error: Error): void => {
    const first = failure === undefined;
    failure = error;
    if (first) onChange(error);
  };
  const look = async (): Promise<void> => {
    if (failure === undefined) return;
    try {
      await within(budget, cache.ping());
      failure = undefined;
      guardedUntil = now() + limitWindow;
      onChange(undefined);
    } catch (error) {
      failure = error as Error;
    }
  };
  const timer = setInterval(() => void look(), lookEvery);
  timer.unref();

  return {
    component: 'redis',
    async take(client) {
      if (failure !== undefined) return await local.take(client);
      if (now() < guardedUntil) {
        const own = await local.take(client);
        if (!own.allowed) return own;
      }
      try {
        const answer = await within(
          budget,
          cache.run(slidingWindow, `${prefix}${client}`, [limit, limitWindow * 1000]),
        );
        const taken = takenFrom(answer);
        if (taken.allowed && now() >= guardedUntil) local.note(client);
        return taken;
      } catch (error) {
        fail(error as Error);
        return now() < guardedUntil
          ? { allowed: true, remaining: 0, retryAfter: 0 }
          : await local.take(client);
      }
    },
    degraded: () => failure !== undefined,
    async ping() {
      if (failure === undefined) await within(budget, cache.ping()).catch(fail);
      if (failure !== undefined) throw failure;
    },
    close() {
      clearInterval(timer);
    },
  };
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
