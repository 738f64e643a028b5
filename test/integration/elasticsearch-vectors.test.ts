import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import { PortiereError } from '../../src/errors.ts';
import type { SearchEngine } from '../../src/ports/search-engine.ts';
import { search } from '../../src/search/hybrid/search.ts';
import { openPublished, type OpenBuild } from '../../src/search/index/open.ts';
import { elasticsearchWords } from '../../src/search/lexical/elasticsearch-words.ts';
import type { LoadCheckpoint, LoadPoint } from '../../src/search/populate/elasticsearch-checkpoint.ts';
import { newPace } from '../../src/search/populate/elasticsearch-pace.ts';
import { ensureElasticsearch } from '../../src/search/populate/elasticsearch.ts';
import { elasticsearchVectorLoader } from '../../src/search/populate/elasticsearch-vectors.ts';
import type { VectorBuild, VectorLoader } from '../../src/search/populate/vector-loader.ts';
import { vectorsIndexOf } from '../../src/search/stores/elasticsearch-vectors-index.ts';
import { graphShape } from '../../src/search/stores/graph-shape.ts';
import { storedVectors } from '../../src/search/stores/stored-vectors.ts';
import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';
import { killStrays, newProject, type TestProject } from '../support/cli.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import { besideEngine, startApi } from '../support/index-rounds.ts';
import { embedder, vectorBuild } from '../support/vector-build.ts';
import { compareArms, narrowings, questions } from '../support/vector-parity.ts';

const progress = { update: () => undefined, say: () => undefined };
const patience = { whole: 10_000, first: 50, longest: 1_000 };
const elapsed = (): number => performance.now();

describe.skipIf(lackingElasticsearch !== undefined)(
  `vectors in a real Elasticsearch${lackingElasticsearch ?? ''}`,
  () => {
    let folder: string;
    let server: TestElasticsearch;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-es-vectors-'));
      server = await testElasticsearch();
    });
    afterAll(async () => {
      await killStrays();
      server.end();
      await rm(folder, { recursive: true, force: true });
    });

    describe('loaded with a build', () => {
      let engine: SearchEngine;
      let build: VectorBuild;
      let pointer: string;
      let loader: VectorLoader;
      let index: string;
      const opened: OpenBuild[] = [];
      beforeAll(async () => {
        engine = await searchEngines.connect({
          url: server.url,
          alias: 'vectors',
          timeout: 10_000,
          ...server.login,
        });
        ({ build, pointer } = await vectorBuild(folder, { concepts: 4_000, engine: 'elasticsearch' }));
        loader = elasticsearchVectorLoader(engine, graphShape('elasticsearch', 'standard'), { patience });
        index = vectorsIndexOf(build.id, 'vectors');
      });
      afterAll(async () => {
        for (const one of opened) await one.close();
        for (const name of await engine.listIndices('vectors-')) await engine.deleteIndex(name);
        await engine.close();
      });
      const open = async (parts: object): Promise<OpenBuild> => {
        const one = await openPublished({ pointer, embedder, engine: 'native', ...parts });
        opened.push(one);
        return one;
      };

      it('has every vector but that of nothing, once, as the build has them', async () => {
        expect(await loader.ensure(build, { progress })).toBe(true);
        expect(await loader.count(build.id)).toBe(build.vectors);
        expect(build.header.count - build.vectors).toBe(1);
        await loader.verify(build);
        expect(await loader.ensure(build, { progress })).toBe(false);
        const { [index]: found } = await server.ask('GET', `/${index}`);
        expect(found.mappings.properties.vector).toMatchObject({
          dims: 64,
          similarity: 'dot_product',
          index_options: { type: 'int8_hnsw', m: 16, ef_construction: 100 },
        });
      });

      it('answers as looking at every row does, with the same scores, however it is narrowed', async () => {
        const exact = await open({});
        const stored = await open({ vectors: storedVectors(loader.store, elapsed) });
        expect(stored.dense).toMatchObject({ engine: 'elasticsearch', count: build.header.count });
        const texts = questions(exact, 40);
        for (const filters of narrowings) {
          const { recall, apart, strangers } = await compareArms(exact, stored, { texts, filters, k: 100 });
          expect([filters, strangers, apart < 1e-5]).toEqual([filters, 0, true]);
          expect(recall, JSON.stringify(filters)).toBeGreaterThan(0.97);
        }
        await expect(stored.dense.search(new Float32Array(32).fill(0.1), 5)).rejects.toMatchObject({
          code: 'INDEX_INVALID',
        });
      });

      it('tells a vector that is another one, and one that is gone', async () => {
        const vector = Array.from({ length: 64 }, (_, at) => (at === 7 ? 1 : 0));
        await server.ask('POST', `/${index}/_update/11?refresh=true`, { doc: { vector } });
        await expect(loader.verify(build)).rejects.toMatchObject({
          code: 'INDEX_INVALID',
          message: expect.stringContaining('other vectors'),
        });
        await server.ask('DELETE', `/${index}/_doc/12?refresh=true`);
        await expect(loader.verify(build)).rejects.toMatchObject({
          message: expect.stringMatching(/holds \d+ vectors, the build/),
        });
        expect(await loader.ensure(build, { progress })).toBe(true);
        await loader.verify(build);
      });

      it('goes on where a killed load was, and starts over where the vectors are of another shape', async () => {
        await loader.drop(build.id);
        const saved: LoadPoint[] = [];
        const checkpoint: LoadCheckpoint = {
          load: async () => saved.at(-1),
          save: async (point) => {
            saved.push(point);
          },
        };
        let bulks = 0;
        const dying: SearchEngine = {
          ...engine,
          async bulk(name, lines) {
            bulks += 1;
            if (bulks > 8) throw new PortiereError('DISK_FULL', 'as if killed');
            return await engine.bulk(name, lines);
          },
        };
        const pace = newPace(elapsed);
        const small = { ...pace, limits: () => ({ ...pace.limits(), documents: 250 }) };
        const broken = elasticsearchVectorLoader(dying, graphShape('elasticsearch', 'standard'), {
          patience,
          pace: small,
        });
        await expect(broken.ensure(build, { progress, checkpoint })).rejects.toMatchObject({
          code: 'DISK_FULL',
        });
        expect(await loader.ensure(build, { progress, checkpoint })).toBe(true);
        await loader.verify(build);
        const { _all } = await server.ask('GET', `/${index}/_stats/indexing`);
        expect(_all.primaries.indexing.index_total - build.vectors).toBeLessThan(3_000);
        const other = elasticsearchVectorLoader(engine, graphShape('elasticsearch', 'high'), { patience });
        expect(await other.ensure(build, { progress })).toBe(true);
        expect(await loader.ensure(build, { progress })).toBe(true);
      });

      it('leaves the answer to words and codes while it is away, and refuses a load that is not sound', async () => {
        const words = { id: build.id, concepts: 4_003, lexical: build.lexical };
        await ensureElasticsearch(engine, words, { progress, patience });
        const hybrid = await open({
          words: elasticsearchWords(engine, elapsed),
          vectors: storedVectors(loader.store, elapsed),
        });
        const q = hybrid.lexical.term(20)?.text ?? '';
        const request = { q, filters: {}, limit: 10 };
        expect((await search(hybrid, embedder, request)).arms).toEqual(['code', 'exact', 'lexical', 'dense']);
        await loader.drop(build.id);
        const without = await search(hybrid, embedder, request);
        expect(without.arms).toEqual(['code', 'exact', 'lexical']);
        expect(without.denseFailure).toMatchObject({ code: 'SEARCH_ENGINE_REFUSED' });
        expect(without.hits[0]?.concept_name).toBe(q);

        const deaf: SearchEngine = { ...engine, search: async () => [] };
        const unsound = elasticsearchVectorLoader(deaf, graphShape('elasticsearch', 'standard'), {
          patience,
        });
        await expect(unsound.ensure(build, { progress })).rejects.toMatchObject({
          code: 'INDEX_INVALID',
          message: expect.stringContaining('only 0 find themselves'),
        });
        expect(await loader.count(build.id)).toBeUndefined();
      });
    });

    describe('by the commands', () => {
      let project: TestProject;
      beforeAll(async () => {
        const plain = await newProject();
        const env = {
          ...besideEngine(plain.folder, server),
          ELASTICSEARCH_INDEX: 'commands',
          DENSE_ENGINE: 'elasticsearch',
        };
        project = {
          ...plain,
          run: async (args, options) =>
            await plain.run(args, { ...options, env: { ...env, ...options?.env } }),
          start: (args, options) => plain.start(args, { ...options, env: { ...env, ...options?.env } }),
          json: async (args, options) =>
            await plain.json(args, { ...options, env: { ...env, ...options?.env } }),
        };
        await project.run(['init', '--yes', '--name', 'vectors']);
        for (const seed of [1, 2, 3])
          await writeSyntheticVocabulary(path.join(folder, `commands-${seed}`), 1_500, seed);
      });
      const indices = async (): Promise<string[]> =>
        Object.keys(await server.ask('GET', '/commands-*')).toSorted();

      it('are planned, built, looked at, rolled back and pruned together with the words', async () => {
        const build = (seed: number): string[] => ['--vocabulary', path.join(folder, `commands-${seed}`)];
        const planned = await project.run(['index', 'plan', ...build(1)]);
        expect(planned.stdout).toContain('Elasticsearch searches the vectors');
        const ids: string[] = [];
        for (const seed of [1, 2]) {
          const { data, error } = await project.json(['index', 'build', ...build(seed)]);
          expect(error).toBeUndefined();
          expect(data.dense).toMatchObject({ type: 'Flat', wish: { engine: 'elasticsearch' } });
          ids.push(data.id);
        }
        const names = (id: string): string[] => [
          `commands-${id.toLowerCase()}`,
          `commands-${id.toLowerCase()}-vectors`,
        ];
        expect(await indices()).toEqual(ids.flatMap(names));
        const status = await project.json(['index', 'status']);
        const texts = status.data.builds.map((one: { dense: { count: number } }) => one.dense.count);
        expect(Object.values(status.data.vector_server.held)).toEqual(texts);
        const verified = await project.run(['index', 'verify']);
        expect(verified.code, verified.stderr).toBe(0);

        const api = await startApi(project);
        const ready = (await (await project.get('/health/ready')).json()) as {
          components: { name: string; state: string }[];
        };
        expect(ready.components.find(({ name }) => name === 'dense')).toMatchObject({ state: 'ok' });
        const found = (await (await project.get('/v1/search?q=fever')).json()) as { arms: string[] };
        expect(found.arms).toContain('dense');

        expect((await project.run(['index', 'rollback'])).code).toBe(0);
        expect((await project.json(['index', 'build', ...build(3)])).ok).toBe(true);
        expect((await project.run(['index', 'prune'])).code).toBe(0);
        const kept = await project.json(['index', 'list']);
        expect(await indices()).toEqual(kept.data.builds.flatMap(({ id }: { id: string }) => names(id)));
        expect((await project.json(['index', 'populate'])).ok).toBe(true);
        expect((await project.run(['index', 'verify'])).code).toBe(0);
        api.child.kill('SIGTERM');
        await api.done;
      });

      it('are refused where nothing is there to search them', async () => {
        const away = await project.json(['index', 'build', '--vocabulary', path.join(folder, 'commands-1')], {
          env: { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
        });
        expect(away.error).toMatchObject({ code: 'SEARCH_ENGINE_UNREACHABLE' });
        const embedded = await project.json(['config', 'validate'], { env: { PORTIERE_ENV: 'embedded' } });
        expect(JSON.stringify(embedded.error?.problems)).toContain('DENSE_ENGINE');
      });
    });
  },
);
