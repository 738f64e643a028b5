import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Manifest } from '../../src/search/index/manifest.ts';
import { type Started, type TestProject, until } from './cli.ts';
import type { TestElasticsearch } from './elasticsearch.ts';

/** What a build is but for its times: checksums of its files and its manifest without them. */
export async function bytesOf(project: TestProject): Promise<Readonly<Record<string, unknown>>> {
  const { data } = await project.json(['index', 'list']);
  const manifest = (data.builds as Manifest[]).find(({ id }) => id === data.published);
  if (manifest === undefined) throw new Error('nothing is published');
  const folder = join(project.folder, 'index/builds', manifest.id);
  const sums: Record<string, string> = {};
  for (const name of Object.keys(manifest.files)) {
    sums[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  }
  const { id, created_at, ...rest } = manifest;
  return { ...rest, sums, times: [id, created_at].every((text) => text.length > 0) };
}

/** The same project, its commands in another environment. */
export function withEnvironment(project: TestProject, env: Readonly<Record<string, string>>): TestProject {
  const over = (options: Parameters<TestProject['run']>[1]) => ({
    ...options,
    env: { ...env, ...options?.env },
  });
  return {
    ...project,
    run: async (args, options) => await project.run(args, over(options)),
    start: (args, options) => project.start(args, over(options)),
    json: async (args, options) => await project.json(args, over(options)),
  };
}

/**
 * Milliseconds since a build last kept what a killed one goes on with: embeddings, its journal, how far the load is,
 * or a finished build.
 */
export async function sinceKept(folder: string): Promise<number> {
  const kept = /(?:\.shard|draft\.json|elasticsearch\.json|manifest\.json)$/;
  const names = await readdir(join(folder, 'index'), { recursive: true });
  const times = names.map(async (name) => {
    if (!kept.test(name)) return 0;
    return await stat(join(folder, 'index', name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  });
  return Date.now() - Math.max(0, ...(await Promise.all(times)));
}

/** The environment of commands that work on an index beside a search engine, without a database or containers. */
export function besideEngine(folder: string, { url, login }: TestElasticsearch): Record<string, string> {
  return {
    PORTIERE_ENV: 'dev',
    FAISS_INDEX_PATH: join(folder, 'index/dense.faiss'),
    ELASTICSEARCH_URL: url,
    ...(login.password === undefined ? {} : { ELASTIC_PASSWORD: login.password }),
    DB_HOST: '127.0.0.1',
    REDIS_HOST: '127.0.0.1',
    RATE_LIMIT_PER_MINUTE: '1000000',
    DB_PASSWORD: 'pH7r2Wk9Qx4Vz1Nc8Lt5',
    JWT_SECRET: 'mV8s3Yx5Kd0Rb7Nw2Qf9Lt4Zc6Hj1PgE',
    API_KEY_SALT: 'u4Tz9Wq1Xn6Mc3Vb8Ks5Jd0Rf7Lg2YhA',
  };
}

/** What one search answered: the build, and its hits in order. */
interface Told {
  readonly build: string;
  readonly degraded: boolean;
  readonly ids: string;
}

/** A client that asks the same few queries all the time, and every complaint that it has. */
export interface Watcher {
  /** Searches answered so far. */
  readonly answered: number;
  /** Answers that were empty, failed, or not what their build answers. */
  readonly complaints: readonly string[];
  /** Times at which nobody listened. */
  readonly refused: number;
  stop(): Promise<void>;
}

/** Watches an API; two answers of one build to one query, both by all arms, must be the same. */
export function watchSearch(url: string, queries: readonly string[]): Watcher {
  const known = new Map<string, string>();
  const complaints: string[] = [];
  let answered = 0;
  let refused = 0;
  const stopping = new AbortController();
  const work = (async () => {
    for (let at = 0; !stopping.signal.aborted; at += 1) {
      const query = queries[at % queries.length] ?? '';
      const told = await ask(url, query).catch((error: unknown) => {
        const { cause } = error as { cause?: { code?: string } };
        if (['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(cause?.code ?? '')) refused += 1;
        else complaints.push(`"${query}": ${String(error)}`);
        return undefined;
      });
      if (told !== undefined) {
        answered += 1;
        if (told.ids === '') complaints.push(`"${query}" found nothing in ${told.build}`);
        const key = `${told.build} ${query}`;
        if (!told.degraded && (known.get(key) ?? told.ids) !== told.ids) {
          complaints.push(`${key}: ${known.get(key)} and then ${told.ids}`);
        }
        if (!told.degraded) known.set(key, told.ids);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    get answered() {
      return answered;
    },
    complaints,
    get refused() {
      return refused;
    },
    async stop() {
      stopping.abort();
      await work;
    },
  };
}

async function ask(url: string, query: string): Promise<Told> {
  const answer = await fetch(`${url}/v1/search?q=${encodeURIComponent(query)}&limit=10`, {
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`);
  const { build, hits, arms } = (await answer.json()) as {
    build: string;
    hits: { concept_id: number }[];
    arms: readonly string[];
  };
  return {
    build,
    // A search engine that is down is told by the arm that did not answer.
    degraded: !['lexical', 'dense'].every((arm) => arms.includes(arm)),
    ids: hits.map(({ concept_id }) => concept_id).join(),
  };
}

/** Starts the API of a project and waits until it answers for a build. */
export async function startApi(project: TestProject): Promise<Started> {
  const started = project.start(['serve'], { timeout: 3_600_000 });
  await until(
    'the API answers',
    async () =>
      await ask(`http://127.0.0.1:${project.port}`, 'fever').then(
        () => true,
        () => false,
      ),
    60_000,
  );
  return started;
}
