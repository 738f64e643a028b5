import { rm } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { PortiereError } from '../../../src/errors.ts';
import type { BulkAnswer } from '../../../src/ports/search-engine.ts';
import { buildsFolder } from '../../../src/search/index/publish.ts';
import { indexBody, indexOf } from '../../../src/search/lexical/elasticsearch-index.ts';
import type { LoadCheckpoint, LoadPoint } from '../../../src/search/populate/elasticsearch-checkpoint.ts';
import { contentDigest, expectedDigest } from '../../../src/search/populate/elasticsearch-digest.ts';
import type { EngineBuild } from '../../../src/search/populate/elasticsearch-cargo.ts';
import {
  ensureElasticsearch,
  type LoadOptions,
  pruneElasticsearch,
} from '../../../src/search/populate/elasticsearch.ts';
import { type FakeSearchEngine, fakeSearchEngine } from '../../support/search-engine.ts';
import { buildAndPublish, newPointer, quiet } from '../index/given.ts';

let folder: string;
let build: EngineBuild;
let index: string;
let engine: FakeSearchEngine;
beforeAll(async () => {
  const made = await newPointer();
  folder = made.folder;
  const { id, counts } = await buildAndPublish(made.pointer);
  build = { id, concepts: counts.concepts, lexical: path.join(buildsFolder(made.pointer), id, 'lexical') };
  index = indexOf(id);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  engine = fakeSearchEngine();
});
const documents = () => engine.indices.get(index);
const patience = { whole: 200, first: 1, longest: 4 };
const ensure = async (options: Partial<LoadOptions> = {}): Promise<boolean> =>
  await ensureElasticsearch(engine, build, { progress: quiet, patience, ...options });
const busy = (): BulkAnswer => ({
  kind: 'busy',
  reason: new PortiereError('SEARCH_ENGINE_UNREACHABLE', 'overloaded'),
});

/** A checkpoint in memory. */
function notebook(start?: LoadPoint): LoadCheckpoint & { readonly saved: LoadPoint[] } {
  const saved: LoadPoint[] = [];
  return {
    saved,
    load: async () => saved.at(-1) ?? start,
    save: async (point) => {
      saved.push(point);
    },
  };
}

describe('ensureElasticsearch', () => {
  it('loads every concept with its synonyms, by id, once', async () => {
    expect(await ensure()).toBe(true);
    expect([...(documents()?.keys() ?? [])]).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(documents()?.get('2')).toEqual({
      concept_id: '2',
      concept_code: 'C2',
      concept_name: 'Myocardial infarction',
      vocabulary_id: 'SNOMED',
      domain_id: 'Condition',
      concept_class_id: 'Disorder',
      standard_concept: 'S',
      synonyms: ['Heart attack'],
    });
    expect(documents()?.get('6')).toMatchObject({ invalid_reason: 'U' });
    expect(documents()?.get('3')).not.toHaveProperty('standard_concept');
    expect(await ensure()).toBe(false);
  });

  it('leaves an index that is complete, refreshed and copied as usual, of the content that the build has', async () => {
    await ensure({ forceMerge: true });
    expect(engine.states.get(index)).toMatchObject({
      meta: { portiere: { format: 2, build: build.id, concepts: 6, complete: true, refused: 0 } },
      settings: { index: { refresh_interval: null, auto_expand_replicas: '0-1' } },
    });
    expect(engine.log).toContain(`merge ${index}`);
    const digest = expectedDigest(build.lexical);
    expect(await contentDigest(engine, index)).toBe(digest);
    documents()?.set('3', { ...documents()?.get('3'), concept_name: 'Another' });
    expect(await contentDigest(engine, index)).not.toBe(digest);
  });

  it('replaces what a killed load without a checkpoint left, and an index of another format', async () => {
    engine.indices.set(index, new Map([['1', { left: 'over' }]]));
    expect(await ensure()).toBe(true);
    expect(engine.log.slice(0, 2)).toEqual([`delete ${index}`, `create ${index}`]);
    expect(documents()?.get('1')).not.toHaveProperty('left');
    const state = engine.states.get(index);
    if (state !== undefined)
      state.meta = { portiere: { format: 1, build: build.id, concepts: 6, complete: true } };
    engine.log.length = 0;
    expect(await ensure()).toBe(true);
    expect(engine.log[0]).toBe(`delete ${index}`);
  });

  it('loads again what was complete and has lost documents', async () => {
    await ensure();
    documents()?.delete('4');
    expect(await ensure({ checkpoint: notebook({ index, uuid: 'u1', upTo: 6 }) })).toBe(true);
    expect(documents()?.size).toBe(6);
  });

  it('goes on where the checkpoint of a killed load says, if the index is the one', async () => {
    await engine.createIndex(index, indexBody(build));
    const [first] = [{ concept_id: '1' }];
    engine.indices.set(index, new Map([1, 2, 3].map((id) => [String(id), { ...first }])));
    const book = notebook({ index, uuid: 'u1', upTo: 3 });
    expect(await ensure({ checkpoint: book })).toBe(true);
    expect(engine.log).toEqual([`create ${index}`, 'bulk 3']);
    expect(book.saved).toEqual([{ index, uuid: 'u1', upTo: 6 }]);
    expect(documents()?.size).toBe(6);
  });

  it.each([
    ['of another index', { index: 'concepts-other', uuid: 'u1', upTo: 3 }],
    ['of an index of that name that is gone', { index: 'self', uuid: 'u0', upTo: 3 }],
    ['that is not there', undefined],
  ])('starts over with a checkpoint %s', async (_what, point) => {
    await engine.createIndex(index, indexBody(build));
    const start =
      point === undefined ? undefined : { ...point, index: point.index === 'self' ? index : point.index };
    expect(await ensure({ checkpoint: notebook(start) })).toBe(true);
    expect(engine.log).toEqual([`create ${index}`, `delete ${index}`, `create ${index}`, 'bulk 6']);
  });

  it('sends again what the engine was too busy for, one document or all of them', async () => {
    engine.refuse = (id, attempt) =>
      id === '3' && attempt < 2 ? { status: 429, reason: 'busy' } : undefined;
    let calls = 0;
    engine.answer = () => (++calls < 3 ? busy() : undefined);
    expect(await ensure()).toBe(true);
    expect(engine.log.slice(1)).toEqual(['bulk 6', 'bulk 1']);
    expect(documents()?.size).toBe(6);
  });

  it('halves what is too large, and tells of one that is too large alone', async () => {
    engine.answer = ({ documents }) => (documents > 2 ? { kind: 'too large' } : undefined);
    expect(await ensure()).toBe(true);
    expect(engine.log.slice(1)).toEqual(['bulk 2', 'bulk 1', 'bulk 2', 'bulk 1']);
    engine = fakeSearchEngine();
    engine.answer = ({ body }) => (body.includes('"_id":"4"') ? { kind: 'too large' } : undefined);
    await expect(ensure()).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(/concept 4: 413/),
    });
  });

  it('gives up on an engine that takes nothing, and says that the load goes on', async () => {
    engine.answer = busy;
    await expect(ensure()).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
      message: expect.stringContaining('overloaded'),
      hint: expect.stringContaining('goes on'),
    });
  });

  it('fails with ids and reasons where documents are refused for good, or leaves them out where it may', async () => {
    engine.refuse = (id) => (id === '3' ? { status: 400, reason: 'strict_dynamic_mapping' } : undefined);
    await expect(ensure()).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('concept 3: strict_dynamic_mapping'),
    });
    expect(await ensure({ refused: 'skip' })).toBe(true);
    expect(documents()?.size).toBe(5);
    expect(await ensure()).toBe(false);
  });

  it('fails where the count is not that of the manifest, and does not go on from there', async () => {
    await expect(
      ensureElasticsearch(engine, { ...build, concepts: 7 }, { progress: quiet, patience }),
    ).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('holds 6 concepts, the build 7'),
    });
    expect(engine.indices.has(index)).toBe(false);
  });

  it('fails where the index is replaced meanwhile, instead of filling another one', async () => {
    engine.answer = async () => {
      await engine.deleteIndex(index);
      await engine.createIndex(index, {});
      return busy();
    };
    await expect(ensure()).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('replaced'),
    });
  });

  it('fails where the checkpoint cannot be written', async () => {
    const full: LoadCheckpoint = {
      load: async () => undefined,
      save: async () => await Promise.reject(new PortiereError('DISK_FULL', 'No space left.')),
    };
    await expect(ensure({ checkpoint: full })).rejects.toMatchObject({ code: 'DISK_FULL' });
  });
});

describe('pruneElasticsearch', () => {
  const name = (at: number): string => `2026010${at}T000000000Z-feedfeed`;

  it('deletes all but the newest builds, nothing else', async () => {
    for (const at of [1, 2, 3, 4]) engine.indices.set(indexOf(name(at)), new Map());
    engine.indices.set('concepts-mine', new Map());
    await pruneElasticsearch(engine, { keep: 2, also: [name(4)] });
    expect(engine.log).toEqual([`delete ${indexOf(name(1))}`, `delete ${indexOf(name(2))}`]);
    await pruneElasticsearch(engine, { keep: 2, also: [name(4)] });
    expect(engine.log).toHaveLength(2);
    expect(engine.indices.has('concepts-mine')).toBe(true);
  });

  it('keeps the published build however old it is', async () => {
    for (const at of [1, 2, 3]) engine.indices.set(indexOf(name(at)), new Map());
    await pruneElasticsearch(engine, { keep: 2, also: [name(1)] });
    expect([...engine.indices.keys()]).toEqual([1, 2, 3].map((at) => indexOf(name(at))));
  });
});
