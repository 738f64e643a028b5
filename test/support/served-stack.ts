import path from 'node:path';

import { serve } from '../../src/commands/serve.ts';
import { clock } from '../../src/drivers/clock.ts';
import { files } from '../../src/drivers/files.ts';
import { leases } from '../../src/drivers/lease.ts';
import { databasesFor } from '../../src/drivers/postgres.ts';
import { caches } from '../../src/drivers/redis.ts';
import type { DatabaseTarget, Outcome, Ports } from '../../src/ports.ts';
import type { SearchEngines } from '../../src/ports/search-engine.ts';
import { goodProd } from '../config/given.ts';
import { freePort, until } from './cli.ts';
import { type FakePorts, fakePorts } from './ports.ts';

export interface StackParts {
  /** Holds the index volume. */
  readonly folder: string;
  readonly database: DatabaseTarget & { readonly kind: 'server' };
  readonly redisPort: number;
  readonly searchEngines: SearchEngines;
  readonly env?: Readonly<Record<string, string>>;
  readonly interrupted?: AbortSignal;
}

/** The ports of a process inside a production stack: real servers, real files, a quiet terminal. */
export function stackPorts(parts: StackParts): FakePorts {
  const { database, folder } = parts;
  const fake = fakePorts();
  const ports: Partial<Ports> = {
    clock,
    files,
    leases,
    caches,
    databases: databasesFor(leases),
    searchEngines: parts.searchEngines,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    caller: {
      ...fake.caller,
      interrupted: parts.interrupted ?? fake.caller.interrupted,
      env: {
        ...goodProd,
        PORTIERE_ENV: 'prod',
        PORTIERE_SERVICE: 'api',
        EMBEDDING_MODEL: 'hashing',
        FAISS_INDEX_PATH: path.join(folder, 'faiss', 'index'),
        DB_HOST: database.host,
        DB_PORT: String(database.port),
        DB_NAME: database.database,
        DB_USER: database.user,
        DB_PASSWORD: database.password ?? '',
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: String(parts.redisPort),
        TLS: 'off',
        ...parts.env,
      },
    },
  };
  return fakePorts({ ports });
}

export interface Serving {
  readonly url: string;
  /** GET with headers; the body parsed. */
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<ServedAnswer>;
  /** Tells it to stop, as SIGTERM does, and waits for its end. */
  stop(): Promise<Outcome>;
}

export interface ServedAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- each address has its own shape, which the test states
  readonly body: any;
}

/** Serves as the api container does, and waits until it listens. */
export async function serveStack(parts: StackParts): Promise<Serving> {
  const port = await freePort();
  const stop = new AbortController();
  const ports = stackPorts({
    ...parts,
    interrupted: stop.signal,
    env: { API_HOST: '127.0.0.1', API_PORT: String(port), ...parts.env },
  });
  const done = serve(ports, {});
  const url = `http://127.0.0.1:${port}`;
  const get: Serving['get'] = async (address, headers = {}) => {
    const answer = await fetch(url + address, { headers, signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return {
      status: answer.status,
      headers: answer.headers,
      body: isJson ? (JSON.parse(text) as unknown) : text,
    };
  };
  await Promise.race([
    done,
    until(
      'the API listens',
      async () =>
        await get('/health/live').then(
          () => true,
          () => false,
        ),
    ),
  ]);
  return {
    url,
    get,
    async stop() {
      stop.abort(new Error('stopped by the test'));
      return await done;
    },
  };
}
