import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ensureIndex } from '../../src/commands/index/ensure.ts';
import { status } from '../../src/commands/index/status.ts';
import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import type { Ports } from '../../src/ports.ts';
import type { SearchEngine } from '../../src/ports/search-engine.ts';
import { hashingEmbedder } from '../../src/search/embed/hashing.ts';
import { runArms } from '../../src/search/hybrid/arms.ts';
import { openPublished } from '../../src/search/index/open.ts';
import { elasticsearchWords } from '../../src/search/lexical/elasticsearch-words.ts';
import { indexOf } from '../../src/search/lexical/elasticsearch-index.ts';
import type { Filters } from '../../src/search/lexical/filter.ts';
import { bulkLines } from '../support/bulk-lines.ts';
import { until } from '../support/cli.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { type Gate, gateBefore } from '../support/gate.ts';
import {
  lackingPostgres,
  lackingRedis,
  startPostgres,
  startRedis,
  type TestServer,
} from '../support/servers.ts';
import { type Serving, serveStack, type StackParts, stackPorts } from '../support/served-stack.ts';

const lacking = lackingElasticsearch ?? lackingPostgres ?? lackingRedis;

describe.skipIf(lacking !== undefined)(`a stack with a real Elasticsearch${lacking ?? ''}`, () => {
  let folder: string;
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let redis: TestServer;
  let engine: SearchEngine;
  let gate: Gate;
  let parts: StackParts;
  let ports: Ports;
  let serving: Serving | undefined;
  const builds: string[] = [];
  let server: TestElasticsearch;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-elasticsearch-'));
    postgres = await startPostgres('pH7r2Wk9Qx4Vz1Nc8Lt5');
    redis = await startRedis('b6Mj3Yf0Ts9Ug2Xd5Ke8');
    server = await testElasticsearch();
    const { url, login } = server;
    const { hostname, port } = new URL(url);
    gate = await gateBefore(hostname, Number(port));
    engine = await searchEngines.connect({ url, timeout: 10_000, ...login });
    for (const name of await engine.listIndices('concepts-')) await engine.deleteIndex(name);
    parts = {
      folder,
      database: postgres.target,
      redisPort: redis.port,
      searchEngines,
      env: {
        RATE_LIMIT_PER_MINUTE: '100000',
        PORTIERE_ENV: 'dev',
        ELASTICSEARCH_URL: `http://127.0.0.1:${gate.port}`,
        ...(login.password === undefined ? {} : { ELASTIC_PASSWORD: login.password }),
      },
    };
    ports = stackPorts(parts);
  });
  afterAll(async () => {
    await serving?.stop();
    await gate.set('shut');
    for (const name of await engine.listIndices('concepts-')) await engine.deleteIndex(name);
    await engine.close();
    server.end();
    await postgres.end();
    await redis.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function ensured(vocabulary?: string): Promise<Record<string, unknown> & { build: string }> {
    const { data } = await ensureIndex(ports, vocabulary === undefined ? {} : { vocabulary });
    return data as never;
  }

  it('tells what a document is refused for, and what is not there', async () => {
    await engine.createIndex('concepts-driver', {
      mappings: { dynamic: 'strict', properties: { a: { type: 'keyword' } } },
    });
    const documents = bulkLines({ 1: { a: 'x' }, 2: { b: 'x' } });
    expect(await engine.bulk('concepts-driver', documents)).toEqual({
      kind: 'done',
      refused: [{ at: 1, status: 400, reason: expect.stringContaining('strict_dynamic_mapping_exception') }],
    });
    await engine.refresh('concepts-driver');
    expect(await engine.count('concepts-driver')).toBe(1);
    expect(await engine.count('concepts-nothing')).toBeUndefined();
    expect(await engine.listIndices('concepts-')).toEqual(['concepts-driver']);
    await expect(engine.search('concepts-nothing', {}, { by: 'a' })).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_REFUSED',
      hint: expect.stringContaining('index ensure'),
    });
    const secret = engine.search(
      'concepts-driver',
      { query: { nonsense: { a: 'private illness' } } },
      { by: 'a' },
    );
    await expect(secret).rejects.not.toThrow('private');
    await engine.deleteIndex('concepts-driver');
    await engine.deleteIndex('concepts-driver');
    expect((await engine.info()).version).toMatch(/^[89]\./);
    expect(await engine.health()).toBe('green');
  });

  it('names TLS that is not there, and an address where nothing is', async () => {
    for (const [address, message] of [
      [server.url.replace('http:', 'https:'), 'speaks plain HTTP'],
      ['http://127.0.0.1:1', 'ECONNREFUSED'],
    ] as const) {
      const wrong = await searchEngines.connect({ url: address, timeout: 2_000 });
      await expect(wrong.info()).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_UNREACHABLE',
        message: expect.stringContaining(message),
      });
      await wrong.close();
    }
  });

  it('gets everything that lacks, then nothing', async () => {
    const first = await ensured();
    builds.push(first.build);
    expect(first).toMatchObject({ plan: { load: 'none is loaded', build: 'none is published' } });
    expect(await engine.count(indexOf(first.build))).toBe(309);
    expect(await engine.aliased('concepts')).toEqual([indexOf(first.build)]);
    expect(await ensured()).toMatchObject({ nothing_to_do: true, build: first.build });
    expect((await status(ports, {})).data).toMatchObject({
      search_engine: { state: 'ok', held: { [first.build]: 309 } },
    });
  });

  it('is loaded again without a new build where it lost its data, or a load was killed', async () => {
    const [build] = builds;
    await engine.deleteIndex(indexOf(build ?? ''));
    expect(await ensured()).toMatchObject({ search_engine_loaded: true, build });
    expect(await engine.aliased('concepts')).toEqual([indexOf(build ?? '')]);
    await engine.deleteIndex(indexOf(build ?? ''));
    await engine.createIndex(indexOf(build ?? ''), {});
    await engine.bulk(indexOf(build ?? ''), bulkLines({ 1: { left: 'by a killed load' } }));
    expect(await ensured()).toMatchObject({ search_engine_loaded: true, build });
    expect(await engine.count(indexOf(build ?? ''))).toBe(309);
  });

  it('narrows words as the build itself does', async () => {
    const embedder = hashingEmbedder({});
    const pointer = path.join(folder, 'faiss', 'index');
    const words = elasticsearchWords(engine, () => performance.now());
    const build = await openPublished({ pointer, embedder, engine: 'native', words });
    const filters: Filters[] = [
      {},
      { vocabulary_id: ['samplesource'] },
      { exclude_vocabulary_id: ['Sample'] },
      { domain_id: ['drug', 'Condition'], standard_concept: ['S'] },
      { standard_concept: ['none', 'C'] },
      { valid: true },
      { valid: false },
      { concept_class_id: ['Symptom'] },
    ];
    for (const one of filters) {
      const { arms, wordsFailure } = await runArms(build, embedder, {
        q: 'diabetes',
        filters: one,
        limit: 150,
      });
      const mask = build.lexical.attributes.mask(one);
      const unfiltered = await build.words.byWords({
        q: 'diabetes',
        k: 400,
        filters: {},
        allowed: undefined,
      });
      const ids = unfiltered.map(({ concept_id }) => concept_id);
      const left = build.lexical.termsOf(ids).filter(({ row }) => mask?.[row] !== 0);
      expect([one, wordsFailure, new Set(arms.lexical.map(({ concept_id }) => concept_id))]).toEqual([
        one,
        undefined,
        new Set(left.map(({ concept_id }) => concept_id)),
      ]);
    }
    // What people type is never syntax.
    for (const q of [
      'a AND (',
      '"',
      '*:*',
      'concept_name:x',
      '\\',
      '~',
      'x'.repeat(1_000),
      'a '.repeat(500),
    ]) {
      expect((await runArms(build, embedder, { q, filters: {}, limit: 10 })).wordsFailure).toBeUndefined();
    }
    await build.close();
    await embedder.close();
  });

  it('answers searches by words, and others answer while it is away or stuck', async () => {
    serving = await serveStack(parts);
    const { get } = serving;
    const found = await get('/v1/search?q=diabetes');
    expect(found.body).toMatchObject({ build: builds[0], arms: ['code', 'exact', 'lexical', 'dense'] });
    expect(found.body.hits[0].ranks.lexical).toBeGreaterThan(0);
    for (const [state, most] of [
      ['shut', 500],
      ['stuck', 2_500],
    ] as const) {
      await gate.set(state);
      const start = performance.now();
      const without = await get('/v1/search?q=private+illness');
      expect([state, without.status, without.body.arms]).toEqual([state, 200, ['code', 'exact', 'dense']]);
      expect(performance.now() - start).toBeLessThan(most);
      const again = performance.now();
      await get('/v1/search?q=diabetes');
      expect(performance.now() - again).toBeLessThan(500);
      const ready = await get('/health/ready');
      const lexical = ready.body.components.find(({ name }: { name: string }) => name === 'lexical');
      expect([state, ready.status, lexical.state]).toEqual([state, 503, 'down']);
      await gate.set('open');
      await until('the words answer', async () =>
        (await get('/v1/search?q=diabetes')).body.arms.includes('lexical'),
      );
      expect((await get('/health/ready')).status).toBe(200);
    }
  });

  it('keeps up with new builds without mixing them, and keeps the two newest', async () => {
    const { get } = serving!;
    const seen = new Map<string, number>();
    const failures: unknown[] = [];
    const made = { all: false };
    const client = (async () => {
      while (!made.all) {
        const { status: code, body } = await get('/v1/search?q=elephantiasis');
        if (code !== 200 || !body.arms.includes('lexical')) failures.push(body);
        seen.set(body.build, (seen.get(body.build) ?? 0) + 1);
      }
    })();
    for (const name of ['Purple elephantiasis', 'Green elephantiasis']) {
      const vocabulary = await smallVocabulary(path.join(folder, name), { 1: name, 2: 'Measles' });
      const { build } = await ensured(vocabulary);
      builds.push(build);
      await until('the new build is served', () => seen.has(build));
    }
    made.all = true;
    await client;
    expect(failures).toEqual([]);
    expect([...seen.keys()]).toEqual(builds);
    expect(await engine.aliased('concepts')).toEqual([indexOf(builds[2] ?? '')]);
    expect(await engine.listIndices('concepts-')).toEqual(
      [builds[1], builds[2]].map((id) => indexOf(id ?? '')),
    );
  });
});
