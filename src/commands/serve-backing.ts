import type { Ports } from '../ports.ts';
import { type KeyGate, keyGate } from '../search/api/key-gate.ts';
import { findKey } from '../search/api/key-store.ts';
import { type Limiter, localLimiter } from '../search/api/limiter.ts';
import { sharedLimiter } from '../search/api/limiter-shared.ts';
import { Busy } from '../search/api/readiness.ts';
import { elasticsearchWords } from '../search/lexical/elasticsearch-words.ts';
import type { WordEngine } from '../search/lexical/word-arm.ts';
import { storedVectors } from '../search/stores/stored-vectors.ts';
import type { VectorEngine } from '../search/stores/vector-arm.ts';
import type { Project } from './context.ts';
import { watchPeers } from './peers.ts';
import { searchEngineOf } from './search-engine.ts';
import { steadyDatabase } from './steady-database.ts';
import { openVectorServer } from './vector-server.ts';

/** What the API stands on besides the index, which differs between one process and a stack. */
export interface Backing {
  readonly words: WordEngine | undefined;
  readonly vectors: VectorEngine | undefined;
  readonly limiter: Limiter;
  readonly keys: KeyGate | undefined;
  readonly behindProxy: boolean;
  pingDatabase(): Promise<void>;
}

type Closers = (() => Promise<void>)[];

const patience = 1_000;

/** In one process: its own full text, its own count, no keys, and the database whose folder it has. */
export async function embeddedBacking(ports: Ports, project: Project, closers: Closers): Promise<Backing> {
  const database = await ports.databases.connect(project.database, { command: 'serve', timeout: 10_000 });
  closers.push(async () => {
    await database.close();
  });
  const server = await openVectorServer(ports, project, undefined);
  closers.push(async () => {
    await server?.close();
  });
  let asked: Promise<unknown> | undefined;
  return {
    words: undefined,
    vectors:
      server === undefined ? undefined : storedVectors(server.loader.store, () => ports.clock.elapsed()),
    limiter: localLimiter(project.config.settings.RATE_LIMIT_PER_MINUTE, () => ports.clock.elapsed()),
    keys: undefined,
    behindProxy: false,
    /** One question at a time; one that waits for a command of ours is busy, not dead. */
    async pingDatabase() {
      asked ??= database.query('SELECT 1').finally(() => {
        asked = undefined;
      });
      const answered = await Promise.race([
        asked.then(() => true),
        ports.clock.sleep(patience).then(() => false),
      ]);
      if (answered) return;
      const holder = await ports.leases.holder(project.operationLease);
      if (holder === undefined) throw new Error(`no answer within ${patience} ms`);
      throw new Busy(`in use by \`${holder.command}\` (pid ${holder.pid})`);
    },
  };
}

/**
 * In a stack: Elasticsearch for the words, Redis for the rate limit, a server's Postgres, keys in production. None
 * of them needs to be there for the API to start, and each is met again when it comes back.
 */
export async function stackBacking(ports: Ports, project: Project, closers: Closers): Promise<Backing> {
  const { config } = project;
  const { settings, environment } = config;
  const engine = await searchEngineOf(ports, project);
  const peers = watchPeers(config.inside ?? 'localhost');
  const cache = await ports.caches.connect({
    host: settings.REDIS_HOST,
    port: settings.REDIS_PORT,
    password: settings.REDIS_PASSWORD?.reveal(),
  });
  const limiter = sharedLimiter({
    cache,
    limit: settings.RATE_LIMIT_PER_MINUTE,
    replicas: () => peers.count(),
    prefix: `portiere:${config.name}:${environment}:limit:`,
    now: () => ports.clock.elapsed(),
    onChange(reason) {
      ports.reporter.note(
        reason === undefined
          ? 'The rate limit is counted in Redis again.'
          : `The rate limit is counted by this process alone: ${reason.message}`,
      );
    },
  });
  const database = steadyDatabase(
    async () => await ports.databases.connect(project.database, { command: 'serve', timeout: 3_000 }),
    patience,
  );
  closers.push(async () => {
    limiter.close();
    peers.close();
    await Promise.all([engine?.close(), cache.close(), database.close()]);
  });
  const elapsed = (): number => ports.clock.elapsed();
  const server = await openVectorServer(ports, project, engine);
  closers.push(async () => {
    await server?.close();
  });
  return {
    words: engine === undefined ? undefined : elasticsearchWords(engine, elapsed),
    vectors: server === undefined ? undefined : storedVectors(server.loader.store, elapsed),
    limiter,
    keys:
      config.base === 'prod'
        ? keyGate({
            environment,
            salt: settings.API_KEY_SALT?.reveal() ?? '',
            find: async (id) => await findKey(database, id),
            now: () => ports.clock.now().getTime(),
          })
        : undefined,
    behindProxy: true,
    async pingDatabase() {
      await database.query('SELECT 1');
    },
  };
}
