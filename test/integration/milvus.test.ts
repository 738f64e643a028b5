import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { vectorDatabases } from '../../src/drivers/milvus.ts';
import { PortiereError } from '../../src/errors.ts';
import type { VectorDatabase } from '../../src/ports/vector-database.ts';
import { search } from '../../src/search/hybrid/search.ts';
import { openPublished, type OpenBuild } from '../../src/search/index/open.ts';
import type { LoadCheckpoint, LoadPoint } from '../../src/search/populate/elasticsearch-checkpoint.ts';
import { milvusVectorLoader } from '../../src/search/populate/milvus-vectors.ts';
import type { VectorBuild, VectorLoader } from '../../src/search/populate/vector-loader.ts';
import { graphShape } from '../../src/search/stores/graph-shape.ts';
import { collectionOf } from '../../src/search/stores/milvus-vectors.ts';
import { storedVectors } from '../../src/search/stores/stored-vectors.ts';
import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';
import { killStrays, newProject, type TestProject, until } from '../support/cli.ts';
import { lackingMilvus, type TestMilvus, testMilvus } from '../support/milvus.ts';
import { startApi } from '../support/index-rounds.ts';
import { embedder, vectorBuild } from '../support/vector-build.ts';
import { compareArms, narrowings, questions } from '../support/vector-parity.ts';

const progress = { update: () => undefined, say: () => undefined };
const patience = { whole: 30_000, first: 100, longest: 1_000 };
const elapsed = (): number => performance.now();

describe.skipIf(lackingMilvus !== undefined)(`vectors in a real Milvus${lackingMilvus ?? ''}`, () => {
  let folder: string;
  let server: TestMilvus;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-milvus-vectors-'));
    server = await testMilvus();
  });
  afterAll(async () => {
    await killStrays();
    await server?.end();
    await rm(folder, { recursive: true, force: true });
  });

  describe('loaded with a build', () => {
    let database: VectorDatabase;
    let build: VectorBuild;
    let pointer: string;
    let loader: VectorLoader;
    const opened: OpenBuild[] = [];
    const options = { prefix: 'vectors', graph: graphShape('milvus', 'standard'), patience };
    beforeAll(async () => {
      database = await vectorDatabases.connect({ url: server.url, timeout: 10_000 });
      ({ build, pointer } = await vectorBuild(folder, { concepts: 4_000, engine: 'milvus' }));
      loader = milvusVectorLoader(database, options);
    });
    afterAll(async () => {
      for (const one of opened) await one.close();
      await database.close();
    });
    const open = async (parts: object): Promise<OpenBuild> => {
      const one = await openPublished({ pointer, embedder, engine: 'native', ...parts });
      opened.push(one);
      return one;
    };

    it('has every vector but that of nothing, once, as the build has them', async () => {
      expect(await database.version()).toMatch(/2\.\d+/);
      expect(await loader.count(build.id)).toBeUndefined();
      expect(await loader.ensure(build, { progress })).toBe(true);
      expect(await loader.count(build.id)).toBe(build.vectors);
      await loader.verify(build);
      expect(await loader.ensure(build, { progress })).toBe(false);
      await loader.announce(build.id);
      await loader.announce(build.id);
      expect(await database.count('vectors')).toBe(build.vectors);
    });

    it('takes every sign in a filter, and finds nothing by one that no row has', async () => {
      const vector = Float32Array.from({ length: 64 }, () => 1 / 8);
      const ask = async (domain: string): Promise<number> => {
        const filters = { domain_id: [domain] };
        return (await loader.store.nearest(build.id, { vector, k: 5, filters, timeout: 5_000 })).length;
      };
      expect(await ask('Condition')).toBe(5);
      for (const odd of ['\u{1f600}', '\ud83d', 'é\u2028"\\\u007f', `${'x'.repeat(255)}\u{1f600}`])
        expect(await ask(odd)).toBe(0);
    });

    it('answers as looking at every row does, with the same scores, however it is narrowed', async () => {
      const exact = await open({});
      const stored = await open({ vectors: storedVectors(loader.store, elapsed) });
      expect(stored.dense.engine).toBe('milvus');
      const texts = questions(exact, 40);
      for (const filters of narrowings) {
        const { recall, apart, strangers } = await compareArms(exact, stored, { texts, filters, k: 100 });
        expect([filters, strangers, apart < 1e-5]).toEqual([filters, 0, true]);
        expect(recall, JSON.stringify(filters)).toBeGreaterThan(0.97);
      }
    });

    it('tells a vector that is another one, one that is gone, and a question of another length', async () => {
      const name = collectionOf(build.id, 'vectors');
      const [row] = await database.rows(name, { from: 11, to: 12 });
      const vector = Array.from({ length: 64 }, (_, at) => (at === 7 ? 1 : 0));
      await database.write(name, [{ ...row!, vector }]);
      await expect(loader.verify(build)).rejects.toMatchObject({
        code: 'INDEX_INVALID',
        message: expect.stringContaining('other vectors'),
      });
      await database.write(name, [{ ...row!, id: 1_000_000 }]);
      await expect(loader.verify(build)).rejects.toMatchObject({
        message: expect.stringMatching(/holds \d+ vectors, the build/),
      });
      expect(await loader.ensure(build, { progress })).toBe(true);
      await loader.verify(build);
      await loader.announce(build.id);
      const short = { vector: new Float32Array(32), k: 3, ef: 10, filter: '', timeout: 2_000 };
      await expect(database.search(name, short)).rejects.toMatchObject({ code: 'SEARCH_ENGINE_REFUSED' });
    });

    it('goes on where a killed load was, after it was dropped with its alias', async () => {
      expect(await database.describeCollection('vectors')).toBeDefined();
      await loader.drop(build.id);
      expect(await database.describeCollection('vectors')).toBeUndefined();
      const saved: LoadPoint[] = [];
      const checkpoint: LoadCheckpoint = {
        load: async () => saved.at(-1),
        save: async (point) => {
          saved.push(point);
        },
      };
      let written = 0;
      let most = Number.POSITIVE_INFINITY;
      const small: VectorDatabase = {
        ...database,
        async write(name, rows) {
          for (let at = 0; at < rows.length; at += 500) {
            written += 1;
            if (written > most) throw new PortiereError('SEARCH_ENGINE_REFUSED', 'as if killed');
            await database.write(name, rows.slice(at, at + 500));
          }
        },
      };
      most = 3;
      await expect(
        milvusVectorLoader(small, options).ensure(build, { progress, checkpoint }),
      ).rejects.toMatchObject({ code: 'SEARCH_ENGINE_REFUSED' });
      expect(await loader.ensure(build, { progress, checkpoint })).toBe(true);
      await loader.verify(build);
      await loader.announce(build.id);
      expect(await database.count('vectors')).toBe(build.vectors);
      await expect(database.pointAlias('vectors', 'nobody')).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_REFUSED',
        message: expect.stringContaining('nobody'),
      });
    });

    it('leaves the answer to the words while it is killed, and answers again on its data', async () => {
      const hybrid = await open({ vectors: storedVectors(loader.store, elapsed) });
      const q = hybrid.lexical.term(20)?.text ?? '';
      const ask = async () => await search(hybrid, embedder, { q, filters: {}, limit: 10 });
      const before = await ask();
      expect(before.arms).toEqual(['code', 'exact', 'lexical', 'dense']);
      await server.kill();
      const start = performance.now();
      const without = await ask();
      expect(performance.now() - start).toBeLessThan(2_500);
      expect(without.arms).toEqual(['code', 'exact', 'lexical']);
      expect(without.denseFailure).toMatchObject({ code: 'SEARCH_ENGINE_UNREACHABLE' });
      expect(without.hits[0]?.concept_name).toBe(q);
      await server.start();
      let again = without;
      await until('the vectors answer', async () => (again = await ask()).arms.length === 4, 60_000);
      expect(again.hits).toEqual(before.hits);
      // What asks for every row waits until the log is read again.
      await until(
        'every row is there',
        async () =>
          loader.verify(build).then(
            () => true,
            (error: unknown) => {
              if ((error as PortiereError).code !== 'SEARCH_ENGINE_UNREACHABLE') throw error;
              return false;
            },
          ),
        120_000,
      );
    }, 600_000);
  });

  describe('by the commands', () => {
    let project: TestProject;
    beforeAll(async () => {
      const env = {
        DENSE_ENGINE: 'milvus',
        MILVUS_URL: server.url,
        MILVUS_COLLECTION: 'commands',
        RATE_LIMIT_PER_MINUTE: '100000',
      };
      project = await newProject(env);
      await project.run(['init', '--yes', '--name', 'vectors']);
      for (const seed of [1, 2, 3])
        await writeSyntheticVocabulary(path.join(folder, `commands-${seed}`), 1_500, seed);
    });

    it('are planned, built, looked at, rolled back and pruned', async () => {
      const build = (seed: number): string[] => ['--vocabulary', path.join(folder, `commands-${seed}`)];
      expect((await project.run(['index', 'plan', ...build(1)])).stdout).toMatch(/server +Milvus: a graph/);
      for (const seed of [1, 2]) {
        const { data, error } = await project.json(['index', 'build', ...build(seed)]);
        expect(error).toBeUndefined();
        expect(data.dense).toMatchObject({ type: 'Flat', wish: { engine: 'milvus' } });
      }
      const status = await project.json(['index', 'status']);
      const texts = status.data.builds.map((one: { dense: { count: number } }) => one.dense.count);
      expect(Object.values(status.data.vector_server.held)).toEqual(texts);
      const verified = await project.run(['index', 'verify']);
      expect(verified.code, verified.stderr).toBe(0);
      expect((await project.run(['index', 'rollback'])).code).toBe(0);
      expect((await project.json(['index', 'build', ...build(3)])).ok).toBe(true);
      expect((await project.run(['index', 'prune'])).code).toBe(0);
      const { data } = await project.json(['index', 'list']);
      const database = await vectorDatabases.connect({ url: server.url, timeout: 10_000 });
      expect(await database.listCollections('commands_')).toEqual(
        data.builds.map(({ id }: { id: string }) => collectionOf(id, 'commands')),
      );
      await database.close();
      expect((await project.json(['index', 'populate'])).ok).toBe(true);

      const api = await startApi(project);
      const ready = (await (await project.get('/health/ready')).json()) as {
        components: { name: string; state: string }[];
      };
      expect(ready.components.find(({ name }) => name === 'dense')).toMatchObject({ state: 'ok' });
      const found = (await (await project.get('/v1/search?q=fever')).json()) as { arms: string[] };
      expect(found.arms).toEqual(['code', 'exact', 'lexical', 'dense']);
      api.child.kill('SIGTERM');
      await api.done;
    });

    it('are refused where nothing is there to search them, or nobody says where', async () => {
      const build = ['index', 'build', '--vocabulary', path.join(folder, 'commands-1')];
      const away = await project.json(build, { env: { MILVUS_URL: 'http://127.0.0.1:1' } });
      expect(away.error).toMatchObject({
        code: 'SEARCH_ENGINE_UNREACHABLE',
        message: expect.stringContaining('Milvus at http://127.0.0.1:1'),
      });
      const unnamed = await project.json(['config', 'validate'], { env: { MILVUS_URL: '' } });
      expect(JSON.stringify(unnamed.error?.problems)).toContain('MILVUS_URL');
    });
  });
});
