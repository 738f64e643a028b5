import { Redis } from 'ioredis';

import { PortiereError } from '../errors.ts';
import type { Cache, Caches, CacheScript } from '../ports/cache.ts';

/** Redis through ioredis; what is asked while it is away fails at once, and it is looked for again every second. */
export const caches: Caches = {
  async connect({ host, port, password }) {
    const redis = new Redis({
      host,
      port,
      ...(password === undefined || password === '' ? {} : { password }),
      connectionName: 'portiere',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 1,
      connectTimeout: 300,
      // A server that stopped answering without closing the connection is given up.
      commandTimeout: 1_000,
      retryStrategy: (times) => Math.min(100 * times, 1_000),
      // After a failover the old leader refuses to write until it is met anew.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    // Why it is away is told to whoever asks; unheard, the event would end the process.
    let away = 'it is not connected yet';
    redis.on('error', (error: Error) => {
      away = error.message;
    });
    return cacheOver(redis, `Redis at ${host}:${port}`, () => away);
  },
};

function cacheOver(redis: Redis, description: string, away: () => string): Cache {
  const known = new Set<string>();
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    if (redis.status !== 'ready') throw failure(description, away());
    try {
      return await work();
    } catch (error) {
      throw failure(description, (error as Error).message);
    }
  };
  return {
    description,
    run: async (script, key, values) =>
      await ask(async () => {
        define(redis, known, script);
        const command = (redis as unknown as Record<string, Run>)[script.name];
        return await command?.call(redis, key, ...values);
      }),
    async ping() {
      await ask(async () => await redis.ping());
    },
    async close() {
      redis.disconnect();
    },
  };
}

type Run = (key: string, ...values: readonly (string | number)[]) => Promise<unknown>;

/** As a command of the client's it goes by its digest, and whole only where the server does not know that. */
function define(redis: Redis, known: Set<string>, { name, lua }: CacheScript): void {
  if (known.has(name)) return;
  redis.defineCommand(name, { numberOfKeys: 1, lua });
  known.add(name);
}

function failure(description: string, reason: string): PortiereError {
  const denied = /NOAUTH|WRONGPASS|invalid password/i.test(reason);
  return new PortiereError('SERVER_UNREACHABLE', `${description} does not serve us: ${reason}.`, {
    hint: denied ? 'Set REDIS_PASSWORD to that of the server.' : 'See what is down with: portiere health',
  });
}
