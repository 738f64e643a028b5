import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { PortiereError } from '../../../src/errors.ts';
import type { VectorDatabase } from '../../../src/ports/vector-database.ts';
import { milvusVectorLoader } from '../../../src/search/populate/milvus-vectors.ts';
import type { VectorBuild, VectorLoader } from '../../../src/search/populate/vector-loader.ts';
import { graphShape } from '../../../src/search/stores/graph-shape.ts';
import { collectionOf } from '../../../src/search/stores/milvus-vectors.ts';
import { vectorBuild } from '../../support/vector-build.ts';
import { memoryDatabase } from './vector-database.ts';

const progress = { update: () => undefined, say: () => undefined };
const patience = { whole: 5_000, first: 1, longest: 10 };

let folder: string;
let build: VectorBuild;
let name: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-milvus-loader-'));
  ({ build } = await vectorBuild(folder, { concepts: 120, engine: 'milvus' }));
  name = collectionOf(build.id, 'concepts');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function loaderOf(database: VectorDatabase): VectorLoader {
  return milvusVectorLoader(database, {
    prefix: 'concepts',
    graph: graphShape('milvus', 'standard'),
    patience,
  });
}

const away = (): PortiereError => new PortiereError('SEARCH_ENGINE_UNREACHABLE', 'not ready');

describe('a load of Milvus', () => {
  it('proves a collection before it has its name', async () => {
    const database = memoryDatabase();
    const search: string[] = [];
    const loader = loaderOf({
      ...database,
      async search(collection, question) {
        search.push(collection);
        return await database.search(collection, question);
      },
    });
    expect(await loader.ensure(build, { progress })).toBe(true);
    expect(database.calls).toEqual([
      `create ${name}_loading`,
      `serve ${name}_loading`,
      `rename ${name}_loading ${name}`,
    ]);
    expect([...new Set(search)]).toEqual([`${name}_loading`]);
    await loader.verify(build);
    expect(await loader.ensure(build, { progress })).toBe(false);
  });

  it('leaves the one that is there where the new one is unsound', async () => {
    const database = memoryDatabase();
    await loaderOf(database).ensure(build, { progress });
    // Of another graph, so that it would be loaded anew.
    const before = { ...database.collections.get(name)!, description: 'another' };
    database.collections.set(name, before);
    const lost = loaderOf({ ...database, search: async () => [] });
    await expect(lost.ensure(build, { progress })).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('only 0 find themselves in Milvus'),
    });
    const short = loaderOf({ ...database, count: async () => 7 });
    await expect(short.ensure(build, { progress })).rejects.toMatchObject({
      message: expect.stringContaining('holds 7 vectors'),
    });
    expect([...database.collections]).toEqual([[name, before]]);
    expect(await loaderOf(database).ensure(build, { progress })).toBe(true);
  });

  it('waits for a server that is away while it is asked for the nearest, or renames', async () => {
    const database = memoryDatabase();
    let failures = 3;
    let answers = 0;
    const loader = loaderOf({
      ...database,
      async search(collection, question) {
        if (failures > 0) {
          failures -= 1;
          throw away();
        }
        return await database.search(collection, question);
      },
      async renameCollection(from, to) {
        await database.renameCollection(from, to);
        answers += 1;
        throw away();
      },
    });
    expect(await loader.ensure(build, { progress })).toBe(true);
    expect([failures, answers, [...database.collections.keys()]]).toEqual([0, 1, [name]]);
  });

  it('tells its own failure, not that of the note on it', async () => {
    const database = memoryDatabase();
    const failing = loaderOf({
      ...database,
      write: async () => await Promise.reject(new PortiereError('SEARCH_ENGINE_REFUSED', 'no room')),
    });
    const checkpoint = {
      load: async () => undefined,
      save: async () => await Promise.reject(new Error('no note')),
    };
    await expect(failing.ensure(build, { progress, checkpoint })).rejects.toThrow('no room');
    await expect(loaderOf(database).ensure(build, { progress, checkpoint })).rejects.toThrow('no note');
  });

  it.each([
    ['v2.2.16', false],
    ['1.1.0', false],
    ['v2.3.5-lite', true],
    ['2.10.0', true],
    ['v3.0', true],
    ['hosted', true],
  ])('takes %s: %s', async (version, taken) => {
    const database = memoryDatabase();
    const loading = loaderOf({ ...database, version: async () => version }).ensure(build, { progress });
    if (taken) await expect(loading).resolves.toBe(true);
    else {
      await expect(loading).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_REFUSED',
        message: `Milvus at http://milvus is ${version}; supported is 2.3 and later.`,
      });
      expect(database.calls).toEqual([]);
    }
  });
});
