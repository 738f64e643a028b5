import type { Limiter } from './limiter.ts';
import type { LiveIndex } from './live-index.ts';
import type { Readiness } from './schemas.ts';

export interface ReadinessParts {
  readonly version: string;
  readonly index: LiveIndex;
  readonly limiter: Limiter;
  /** Asks the database for a sign of life; rejects when it gives none. */
  pingDatabase(): Promise<void>;
  /** Readiness fails on a degraded component too. */
  readonly strict: boolean;
  readonly now: () => Date;
}

/** A component that works but is waiting for something of ours: degraded, not down. */
export class Busy extends Error {}

const deadline = 2_000;

/** Probes what the API stands on. Only postgres, lexical or dense being down makes the whole down. */
export async function probeReadiness(parts: ReadinessParts): Promise<{ status: 200 | 503; body: Readiness }> {
  const { index, limiter } = parts;
  const components = await Promise.all([
    probe('postgres', 'down', async () => {
      await parts.pingDatabase();
    }),
    probe(limiter.component, 'degraded', async () => {
      await limiter.ping();
    }),
    probe('lexical', 'down', async () => {
      await index.use(async ({ words }) => {
        await words.ping();
      });
    }),
    probe('dense', 'down', async () => {
      await index.use(async ({ dense }) => {
        await dense.search(await index.embedder.embed(['probe']), 1);
      });
    }),
  ]);
  const worst = components.some(({ state }) => state === 'down')
    ? 'down'
    : components.some(({ state }) => state === 'degraded')
      ? 'degraded'
      : 'ok';
  return {
    status: worst === 'down' || (worst === 'degraded' && parts.strict) ? 503 : 200,
    body: {
      status: worst,
      version: parts.version,
      timestamp: parts.now().toISOString(),
      build: index.state().build,
      vocabulary_stamp: index.state().stamp,
      components,
    },
  };
}

type Component = Readiness['components'][number];

async function probe(
  name: string,
  onFailure: 'degraded' | 'down',
  work: () => Promise<void>,
): Promise<Component> {
  const start = performance.now();
  const latency = (): number => Number((performance.now() - start).toFixed(1));
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      work(),
      new Promise((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`no answer within ${deadline} ms`));
        }, deadline);
      }),
    ]);
    return { name, state: 'ok', latency_ms: latency() };
  } catch (error) {
    const state = error instanceof Busy ? 'degraded' : onFailure;
    return { name, state, latency_ms: latency(), detail: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
