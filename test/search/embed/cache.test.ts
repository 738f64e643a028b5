import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  cacheFolder,
  type EmbeddingCache,
  keyOf,
  openCache,
  pruneCaches,
} from '../../../src/search/embed/cache.ts';
import { hashingEmbedder } from '../../../src/search/embed/hashing.ts';
import { createKeyTable, keyBytes } from '../../../src/search/embed/key-table.ts';

const embedder = hashingEmbedder({ dimension: 16 });
const { identity } = embedder;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-cache-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function add(cache: EmbeddingCache, texts: readonly string[]): Promise<void> {
  const keys = new Uint8Array(texts.length * keyBytes);
  for (const [at, text] of texts.entries()) keys.set(keyOf(text), at * keyBytes);
  await cache.append(keys, await embedder.embed(texts));
}

async function held(cache: EmbeddingCache, text: string): Promise<boolean> {
  const row = new Float32Array(16);
  const there = cache.read(keyOf(text), row);
  if (there) expect(row).toEqual(await embedder.embed([text]));
  expect(cache.has(keyOf(text))).toBe(there);
  return there;
}

describe('the embedding cache', () => {
  it('gives back what was put in, also to the next process', async () => {
    const first = await openCache(folder, identity);
    await Promise.all([add(first, ['fever', 'pain']), add(first, ['cough'])]);
    expect(await held(first, 'pain')).toBe(true);
    await first.close();
    const second = await openCache(folder, identity);
    expect(second.count).toBe(3);
    for (const text of ['fever', 'pain', 'cough']) expect(await held(second, text)).toBe(true);
    expect(await held(second, 'rash')).toBe(false);
    await second.close();
  });

  it.each(['cut', 'foreign'] as const)('loses only the last block where its end is %s', async (fault) => {
    const first = await openCache(folder, identity);
    await add(first, ['fever', 'pain']);
    await add(first, ['cough']);
    await first.close();
    const shard = path.join(cacheFolder(folder, identity), '000001.shard');
    if (fault === 'cut') await truncate(shard, (await stat(shard)).size - 1);
    else await appendFile(shard, Buffer.alloc(100, 7));
    const second = await openCache(folder, identity);
    expect(await held(second, 'pain')).toBe(true);
    expect(await held(second, 'cough')).toBe(fault === 'foreign');
    await add(second, ['rash']);
    await second.close();
    const third = await openCache(folder, identity);
    expect(await held(third, 'rash')).toBe(true);
    await third.close();
  });

  it('keeps one model apart from another, and prunes the others', async () => {
    const one = await openCache(folder, identity);
    await add(one, ['fever']);
    await one.close();
    const int8 = { ...identity, precision: 'int8' as const };
    const other = await openCache(folder, int8);
    expect(await held(other, 'fever')).toBe(false);
    await other.close();
    expect(await pruneCaches(folder, [identity])).toHaveLength(1);
    const [left] = await readdir(folder);
    expect(JSON.parse(await readFile(path.join(folder, left ?? '', 'identity.json'), 'utf8'))).toEqual(
      identity,
    );
    expect(await pruneCaches(path.join(folder, 'none'), [])).toEqual([]);
  });
});

describe('the key table', () => {
  it('finds each of many keys, and no other', () => {
    const table = createKeyTable();
    const key = (at: number): Uint8Array => keyOf(`text ${at}`);
    for (let at = 0; at < 20_000; at += 1) table.add(key(at), at);
    table.add(key(7), 1);
    expect(table.size).toBe(20_000);
    for (let at = 0; at < 20_000; at += 1)
      if (table.find(key(at)) !== at) expect(at).toBe(table.find(key(at)));
    for (let at = 20_000; at < 21_000; at += 1) expect(table.find(key(at))).toBe(-1);
  });
});
