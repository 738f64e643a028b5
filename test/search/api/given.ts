import { type ApiParts, newServer } from '../../../src/search/api/server.ts';
import { type Limiter, localLimiter } from '../../../src/search/api/limiter.ts';
import { type LiveIndex, watchIndex } from '../../../src/search/api/live-index.ts';
import { newMetrics } from '../../../src/search/api/metrics.ts';
import { embedder } from '../index/given.ts';

const now = (): Date => new Date('2026-01-02T03:04:05Z');

/** Lets everyone on. */
const noLimit: Limiter = localLimiter(1_000_000, () => 0);

/** Lets everyone on and answers no ping. */
export const brokenLimiter: Limiter = {
  component: 'rate_limiter',
  degraded: () => true,
  take: async () => ({ allowed: true, remaining: 1, retryAfter: 0 }),
  ping: () => Promise.reject(new Error('no limiter')),
};

export interface Api {
  readonly index: LiveIndex;
  readonly failures: unknown[];
  /** Lines of the log. */
  readonly log: string[];
  /** An answer to a GET; `body` parsed where it is JSON. */
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  readonly app: Awaited<ReturnType<typeof newServer>>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** The API over the index published at `pointer`, never listening. */
export async function startApi(pointer: string, given: Partial<ApiParts> = {}): Promise<Api> {
  const failures: unknown[] = [];
  const log: string[] = [];
  const index = await watchIndex({ pointer, embedder, engine: 'native' }, (error) => {
    failures.push(error);
  });
  const app = await newServer({
    version: '1.2.3',
    index,
    limiter: noLimit,
    metrics: newMetrics('1.2.3', () => 4096),
    logLevel: 'info',
    log: (line) => log.push(line),
    corsOrigins: [],
    strict: false,
    now,
    async pingDatabase() {},
    ...given,
  });
  return {
    index,
    failures,
    app,
    log,
    async get(url, headers = {}) {
      const answer = await app.inject({ method: 'GET', url, headers });
      const type = String(answer.headers['content-type']);
      const body: unknown = type.includes('json') ? answer.json() : answer.body;
      return { status: answer.statusCode, type, headers: answer.headers, body };
    },
    async close() {
      await app.close();
      await index.close();
    },
  };
}
