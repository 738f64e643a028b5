import { rm } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { buildsFolder } from '../../../src/search/index/publish.ts';
import { indexOf } from '../../../src/search/lexical/elasticsearch-index.ts';
import {
  type EngineBuild,
  ensureElasticsearch,
  pruneElasticsearch,
} from '../../../src/search/populate/elasticsearch.ts';
import { type FakeSearchEngine, fakeSearchEngine } from '../../support/search-engine.ts';
import { buildAndPublish, newPointer, quiet } from '../index/given.ts';

let folder: string;
let build: EngineBuild;
let engine: FakeSearchEngine;
beforeAll(async () => {
  const made = await newPointer();
  folder = made.folder;
  const { id, counts } = await buildAndPublish(made.pointer);
  build = { id, concepts: counts.concepts, lexical: path.join(buildsFolder(made.pointer), id, 'lexical') };
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  engine = fakeSearchEngine();
});
const documents = () => engine.indices.get(indexOf(build.id));

describe('ensureElasticsearch', () => {
  it('loads every concept with its synonyms, by id, once', async () => {
    expect(await ensureElasticsearch(engine, build, quiet)).toBe(true);
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
    expect(await ensureElasticsearch(engine, build, quiet)).toBe(false);
  });

  it('replaces what a killed load left', async () => {
    engine.indices.set(indexOf(build.id), new Map([['1', { left: 'over' }]]));
    expect(await ensureElasticsearch(engine, build, quiet)).toBe(true);
    expect(engine.log.slice(0, 2)).toEqual([`delete ${indexOf(build.id)}`, `create ${indexOf(build.id)}`]);
    expect(documents()?.get('1')).not.toHaveProperty('left');
  });

  it('sends again what the engine was too busy for', async () => {
    engine.refuse = (id, attempt) =>
      id === '3' && attempt < 2 ? { status: 429, reason: 'busy' } : undefined;
    expect(await ensureElasticsearch(engine, build, quiet)).toBe(true);
    expect(engine.log.slice(1)).toEqual(['bulk 6', 'bulk 1']);
  });

  it('fails with ids and reasons where documents are refused for good', async () => {
    engine.refuse = (id) => (id === '3' ? { status: 400, reason: 'strict_dynamic_mapping' } : undefined);
    await expect(ensureElasticsearch(engine, build, quiet)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('concept 3: strict_dynamic_mapping'),
    });
  });

  it('fails where the count is not that of the manifest', async () => {
    await expect(ensureElasticsearch(engine, { ...build, concepts: 7 }, quiet)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining('holds 6 concepts, the build 7'),
    });
  });
});

describe('pruneElasticsearch', () => {
  const name = (at: number): string => `2026010${at}T000000000Z-feedfeed`;

  it('deletes all but the newest builds, nothing else', async () => {
    for (const at of [1, 2, 3, 4]) engine.indices.set(indexOf(name(at)), new Map());
    engine.indices.set('concepts-mine', new Map());
    await pruneElasticsearch(engine, { published: name(4), keep: 2 });
    expect(engine.log).toEqual([`delete ${indexOf(name(1))}`, `delete ${indexOf(name(2))}`]);
    await pruneElasticsearch(engine, { published: name(4), keep: 2 });
    expect(engine.log).toHaveLength(2);
    expect(engine.indices.has('concepts-mine')).toBe(true);
  });

  it('keeps the published build however old it is', async () => {
    for (const at of [1, 2, 3]) engine.indices.set(indexOf(name(at)), new Map());
    await pruneElasticsearch(engine, { published: name(1), keep: 2 });
    expect([...engine.indices.keys()]).toEqual([1, 2, 3].map((at) => indexOf(name(at))));
  });
});
