import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import { PortiereError } from '../../src/errors.ts';
import type { SearchEngine } from '../../src/ports/search-engine.ts';
import { indexOf } from '../../src/search/lexical/elasticsearch-index.ts';
import type { LoadCheckpoint, LoadPoint } from '../../src/search/populate/elasticsearch-checkpoint.ts';
import { contentDigest, expectedDigest } from '../../src/search/populate/elasticsearch-digest.ts';
import type { EngineBuild } from '../../src/search/populate/elasticsearch-cargo.ts';
import { newPace, type Pace } from '../../src/search/populate/elasticsearch-pace.ts';
import { ensureElasticsearch, type LoadOptions } from '../../src/search/populate/elasticsearch.ts';
import { bulkProxy, type BulkProxy } from '../support/bulk-proxy.ts';
import { until } from '../support/cli.ts';
import { conceptFile } from '../support/concept-file.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import { roughProxy } from '../support/rough-proxy.ts';

const quiet = { update: () => undefined, say: () => undefined };
const patience = { whole: 120_000, first: 50, longest: 2_000 };

describe.skipIf(lackingElasticsearch !== undefined)(
  `loading a real Elasticsearch where things go wrong${lackingElasticsearch ?? ''}`,
  () => {
    let folder: string;
    let server: TestElasticsearch;
    let engine: SearchEngine;
    let builds = 0;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-faults-'));
      server = await testElasticsearch();
      engine = await searchEngines.connect({
        url: server.url,
        alias: 'faults',
        timeout: 10_000,
        ...server.login,
      });
    });
    afterAll(async () => {
      for (const name of await engine.listIndices('faults-').catch(() => [])) await engine.deleteIndex(name);
      await engine.close();
      server.end();
      await rm(folder, { recursive: true, force: true });
    });

    /** A build of its own; small batches, so that there are many to go wrong. */
    async function newBuild(concepts: number): Promise<EngineBuild> {
      builds += 1;
      return await conceptFile(folder, concepts, `20260101T00000000${builds}Z-feedfeed`);
    }
    function smallBatches(documents = 200): Pace {
      const pace = newPace(() => performance.now());
      return { ...pace, limits: () => ({ ...pace.limits(), documents }) };
    }
    const through = async (port: number, timeout = 10_000): Promise<SearchEngine> =>
      await searchEngines.connect({
        url: `http://127.0.0.1:${port}`,
        alias: 'faults',
        timeout,
        ...server.login,
      });
    async function load(
      via: SearchEngine,
      build: EngineBuild,
      options: Partial<LoadOptions> = {},
    ): Promise<boolean> {
      return await ensureElasticsearch(via, build, {
        progress: quiet,
        patience,
        pace: smallBatches(),
        ...options,
      });
    }
    /** Every document exactly once, each with its content, and the index as it is served. */
    async function requireWhole(build: EngineBuild): Promise<void> {
      const index = indexOf(build.id, 'faults');
      expect(await engine.count(index)).toBe(build.concepts);
      expect(await contentDigest(engine, index)).toBe(expectedDigest(build.lexical));
      const { [index]: found } = await server.ask('GET', `/${index}/_settings`);
      expect(found.settings.index).toMatchObject({ auto_expand_replicas: '0-1' });
      expect(found.settings.index).not.toHaveProperty('refresh_interval');
    }
    /** How many documents were written more than once. */
    async function repeated({ id, concepts }: EngineBuild): Promise<number> {
      const { _all } = await server.ask('GET', `/${indexOf(id, 'faults')}/_stats/indexing`);
      return _all.primaries.indexing.index_total - concepts;
    }
    function notebook(): LoadCheckpoint & { readonly saved: LoadPoint[] } {
      const saved: LoadPoint[] = [];
      return {
        saved,
        load: async () => saved.at(-1),
        save: async (point) => {
          saved.push(point);
        },
      };
    }

    it('has an index that answers typeahead, exact and folded, and seed texts of any size', async () => {
      const build = await newBuild(300);
      expect(await load(engine, build, { forceMerge: true })).toBe(true);
      await requireWhole(build);
      expect(await load(engine, build)).toBe(false);
      const index = indexOf(build.id, 'faults');
      const hits = async (query: object): Promise<number> =>
        (await engine.search(index, { query, size: 300 }, { by: 'concept_id' })).length;
      expect(await hits({ match: { 'concept_name.prefix': 'neop' } })).toBeGreaterThan(10);
      expect(await hits({ match: { 'concept_name.folded': 'E' } })).toBe(300);
      const { _source } = await server.ask('GET', `/${index}/_doc/2100000003`);
      expect(await hits({ term: { 'concept_name.exact': _source.concept_name.toUpperCase() } })).toBe(1);
      const large = JSON.stringify({
        concept_id: '1',
        concept_code: 'x'.repeat(2 ** 20),
        concept_name: 'word '.repeat(200_000),
      });
      const lines = { body: Buffer.from(`{"index":{"_id":"1"}}\n${large}\n`), documents: 1 };
      expect(await engine.bulk(index, lines)).toEqual({ kind: 'done', refused: [] });
    });

    it('connections that are reset, cut, half-closed, delayed or swallowed lose and double nothing', async () => {
      const build = await newBuild(6_000);
      const proxy = await roughProxy(server.port);
      const via = await through(proxy.port, 1_500);
      const checkpoint = notebook();
      const failures: unknown[] = [];
      for (let runs = 0; runs < 40; runs++) {
        // A run that fails says so by the right code, and the next one goes on.
        const done = await load(via, build, { checkpoint }).then(
          () => true,
          (error: unknown) => {
            failures.push(error);
            return false;
          },
        );
        if (done) break;
        if (runs === 30) proxy.rough = false;
      }
      await via.close();
      await proxy.close();
      console.log(
        'mishaps',
        proxy.seen,
        'failed runs',
        failures.length,
        'written twice',
        await repeated(build),
      );
      expect(
        failures.filter((error) => (error as PortiereError).code !== 'SEARCH_ENGINE_UNREACHABLE'),
      ).toEqual([]);
      expect(Object.values(proxy.seen).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(8);
      await requireWhole(build);
    });

    describe('a proxy that answers in its place', () => {
      let proxy: BulkProxy;
      let via: SearchEngine;
      beforeAll(async () => {
        proxy = await bulkProxy(server.port);
        via = await through(proxy.port);
      });
      afterAll(async () => {
        await via.close();
        await proxy.close();
      });

      it('429 and 503, of requests and of single documents, are waited out', async () => {
        const build = await newBuild(4_000);
        let calls = 0;
        proxy.meddle = (lines) => {
          calls += 1;
          if (calls % 4 === 1) return { status: calls % 8 === 1 ? 429 : 503 };
          if (calls % 4 === 2) {
            const some = lines.flatMap((_, at) =>
              at % 7 === calls % 7 ? [[at, at % 2 === 0 ? 429 : 503] as const] : [],
            );
            return { refuse: new Map(some) };
          }
          return undefined;
        };
        expect(await load(via, build)).toBe(true);
        expect(calls).toBeGreaterThan(25);
        await requireWhole(build);
      });

      it('413 halves what is sent', async () => {
        const build = await newBuild(2_000);
        let largest = 0;
        proxy.meddle = (_lines, bytes) => {
          if (bytes > 20_000) return { status: 413 };
          largest = Math.max(largest, bytes);
          return undefined;
        };
        expect(await load(via, build)).toBe(true);
        expect(largest).toBeGreaterThan(5_000);
        await requireWhole(build);
      });

      it('a document that does not fit the mapping is told with id and reason, and fails the load', async () => {
        const build = await newBuild(1_000);
        const bad = '2100001500';
        proxy.meddle = (lines) => ({
          lines: lines.map((line) =>
            line.id === bad ? { ...line, source: line.source.replace('{', '{"unknown_field":1,') } : line,
          ),
        });
        await expect(load(via, build)).rejects.toMatchObject({
          code: 'INDEX_INVALID',
          message: expect.stringMatching(
            new RegExp(`concept ${bad}: strict_dynamic_mapping_exception.*unknown_field`),
          ),
        });
        expect(await load(via, build, { refused: 'skip' })).toBe(true);
        expect(await engine.count(indexOf(build.id, 'faults'))).toBe(999);
        proxy.meddle = () => undefined;
      });

      it('a document that is lost on the way is found by the count, and the next load is whole', async () => {
        const build = await newBuild(1_000);
        proxy.meddle = (lines) => {
          const at = lines.findIndex(({ id }) => id === '2100001500');
          return at < 0
            ? undefined
            : { lines: lines.map((line, place) => (place === at ? (lines[0] ?? line) : line)) };
        };
        const checkpoint = notebook();
        await expect(load(via, build, { checkpoint })).rejects.toMatchObject({
          code: 'INDEX_INVALID',
          message: expect.stringContaining('holds 999 concepts, the build 1000'),
        });
        proxy.meddle = () => undefined;
        expect(await load(via, build, { checkpoint })).toBe(true);
        await requireWhole(build);
      });
    });

    it('a job that is killed goes on where it was', async () => {
      const build = await newBuild(40_000);
      const checkpoint = path.join(folder, 'checkpoint.json');
      const program = fileURLToPath(new URL('../support/load-process.ts', import.meta.url));
      const task = JSON.stringify({ url: server.url, login: server.login, build: { ...build }, checkpoint });
      const alias = 'concepts';
      const index = indexOf(build.id, alias);
      let reached = 0;
      let loading = 0;
      for (let kills = 0; ; kills++) {
        const child = spawn(process.execPath, [program, task], { stdio: ['ignore', 'pipe', 'inherit'] });
        const before = reached;
        let since: number | undefined;
        child.stdout.on('data', (chunk: Buffer) => {
          since ??= performance.now();
          reached = Math.max(reached, Number(chunk.toString().trim().split('\n').at(-1)));
          // Each time somewhat further.
          if (kills < 4 && reached > before + 3_000) child.kill('SIGKILL');
        });
        const [code] = (await once(child, 'exit')) as [number | null];
        loading += performance.now() - (since ?? performance.now());
        if (code === 0) break;
        expect(kills).toBeLessThan(5);
      }
      expect(await engine.count(index)).toBe(build.concepts);
      expect(await contentDigest(engine, index)).toBe(expectedDigest(build.lexical));
      const { _all } = await server.ask('GET', `/${index}/_stats/indexing`);
      const written: number = _all.primaries.indexing.index_total;
      const twice = written - build.concepts;
      const seconds = (twice / written) * (loading / 1_000);
      console.log(
        `4 kills of the job: ${twice} documents written twice, ${(seconds / 4).toFixed(1)} s of work a kill`,
      );
      expect(seconds / 4).toBeLessThan(5);
      await engine.deleteIndex(index);
    });

    it('a server that is killed and started again during the load has every document', async ({ skip }) => {
      if (server.kill === undefined) skip('the server is not ours to kill');
      const build = await newBuild(20_000);
      let killed: Promise<void> | undefined;
      const restart = async (): Promise<void> => {
        server.kill?.();
        await server.start();
      };
      const progress = {
        say: () => undefined,
        update: (done: number) => {
          if (done > 5_000) killed ??= restart();
        },
      };
      expect(await load(engine, build, { progress })).toBe(true);
      expect(killed).toBeDefined();
      await killed;
      await requireWhole(build);
    });

    it('an index that is taken away meanwhile is not filled under its name', async () => {
      const build = await newBuild(4_000);
      const index = indexOf(build.id, 'faults');
      let gone: Promise<void> | undefined;
      const progress = {
        say: () => undefined,
        update: (done: number) => {
          if (done > 1_000) gone ??= engine.deleteIndex(index);
        },
      };
      // Gone while documents are sent, or only when they are counted: verification fails either way.
      await expect(load(engine, build, { progress })).rejects.toMatchObject({ exitCode: 9 });
      await gone;
      expect(await load(engine, build)).toBe(true);
      await requireWhole(build);
    });

    describe('a full disk', () => {
      const disk = 'cluster.routing.allocation.disk.watermark';
      const marks = async (value: string | null): Promise<void> => {
        const persistent = Object.fromEntries(
          ['low', 'high', 'flood_stage'].map((name) => [`${disk}.${name}`, value]),
        );
        await server.ask('PUT', '/_cluster/settings', {
          persistent: { ...persistent, 'cluster.info.update.interval': value === null ? null : '10s' },
        });
      };
      const told = {
        code: 'DISK_FULL',
        message: expect.stringMatching(/node \S+ has \d+ bytes free .*flood-stage watermark is \S+\./),
      };
      afterAll(async () => {
        await marks(null);
      });

      it('stops at the flood-stage block, names watermark and free bytes, and goes on after it', async () => {
        const build = await newBuild(6_000);
        const index = indexOf(build.id, 'faults');
        const checkpoint = notebook();
        const block = async (value: boolean | null): Promise<void> => {
          await server.ask('PUT', `/${index}/_settings`, { 'index.blocks.read_only_allow_delete': value });
        };
        let blocked: Promise<void> | undefined;
        const progress = {
          say: () => undefined,
          update: (done: number) => {
            if (done > 2_000) blocked ??= block(true);
          },
        };
        await expect(load(engine, build, { progress, checkpoint })).rejects.toMatchObject(told);
        await blocked;
        const reached = checkpoint.saved.length;
        expect(reached).toBeGreaterThan(0);
        await expect(load(engine, build, { checkpoint })).rejects.toMatchObject(told);

        // The same block, set and lifted by the server itself.
        await block(null);
        await marks('100000gb');
        const isBlocked = async (): Promise<boolean> => {
          const { [index]: found } = await server.ask('GET', `/${index}/_settings`);
          return found.settings.index.blocks?.read_only_allow_delete === 'true';
        };
        await until('the server blocks the index', isBlocked, 90_000);
        await expect(load(engine, build, { checkpoint })).rejects.toMatchObject({
          ...told,
          message: expect.stringContaining('watermark is 100000gb.'),
        });
        // A new index finds no disk at all.
        await expect(load(engine, await newBuild(10))).rejects.toMatchObject({
          code: 'DISK_FULL',
          message: expect.stringMatching(/watermark/),
        });
        await marks(null);
        await until('the server lifts the block', async () => !(await isBlocked()), 90_000);
        const before = await engine.count(index);
        expect(before ?? 0).toBeLessThan(6_000);
        expect(await load(engine, build, { checkpoint })).toBe(true);
        await requireWhole(build);
      });
    });
  },
);
