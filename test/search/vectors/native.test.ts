import { rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DenseIndex } from '../../../src/search/vectors/dense.ts';
import { openDense } from '../../../src/search/vectors/open.ts';
import { openNative } from '../../../src/search/vectors/native.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';

let folder: string;
let index: DenseIndex;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterEach(() => index?.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = async (dimension: number, rows: Float32Array, threads = 1) => {
  index = await openNative(await writeFlat(path.join(folder, 'index'), dimension, rows), { threads });
  return index;
};

describe('native index', () => {
  it('gives ties to the lower row and k of the rows there are', async () => {
    await open(2, Float32Array.from([0, 1, 1, 0, 0, 0, 1, 0, -1, 0]));
    const query = Float32Array.from([1, 0]);
    expect(await index.search(query, 3)).toEqual({ rows: [1, 3, 0], scores: [1, 1, 0] });
    expect((await index.search(query, 99)).rows).toEqual([1, 3, 0, 2, 4]);
    expect(await index.search(query, 0)).toEqual({ rows: [], scores: [] });
    expect((await index.search(query, 2, Uint8Array.from([1, 0, 1, 0, 1]))).rows).toEqual([0, 2]);
    expect([...(await index.score(query, [4, 1, 4]))]).toEqual([-1, 1, -1]);
    expect(await index.score(query, [])).toHaveLength(0);
    expect(index).toMatchObject({ engine: 'native', dimension: 2, count: 5 });
  });

  it('ranks all rows equal for a zero query', async () => {
    await open(2, noise(12));
    expect(await index.search(new Float32Array(2), 3)).toEqual({ rows: [0, 1, 2], scores: [0, 0, 0] });
  });

  it('answers from an empty index', async () => {
    await open(3, new Float32Array(0));
    expect(await index.search(new Float32Array(3), 5)).toEqual({ rows: [], scores: [] });
    expect(index.count).toBe(0);
  });

  it('gives the same whatever the number of threads, and many at once', async () => {
    const rows = noise(20_000 * 3);
    await open(3, rows, 1);
    const queries = Array.from({ length: 8 }, (_, seed) => noise(3, seed + 5));
    const allowed = Uint8Array.from({ length: 20_000 }, (_, row) => row % 3);
    const one = await Promise.all(queries.map((query) => index.search(query, 20, allowed)));
    const some = await index.score(queries[0]!, [19_999, 0, 10_000]);
    await index.close();
    await open(3, rows, 3);
    // A part of a larger matrix is a query like any other.
    const matrix = Float32Array.from(queries.flatMap((query) => [...query]));
    const parts = queries.map((_, at) => matrix.subarray(3 * at, 3 * at + 3));
    expect(await Promise.all(parts.map((query) => index.search(query, 20, allowed)))).toEqual(one);
    expect(await index.score(queries[0]!, [19_999, 0, 10_000])).toEqual(some);
    expect(queries[0]).toHaveLength(3);
  });

  it.each([
    ['another dimension', (i: DenseIndex) => i.search(new Float32Array(3), 1), 'INDEX_INVALID'],
    ['a query with NaN', (i: DenseIndex) => i.search(Float32Array.from([Number.NaN, 0]), 1), 'BUG'],
    [
      'a filter of another length',
      (i: DenseIndex) => i.search(new Float32Array(2), 1, new Uint8Array(9)),
      'BUG',
    ],
    ['a negative k', (i: DenseIndex) => i.search(new Float32Array(2), -1), 'BUG'],
    ['a row it does not have', (i: DenseIndex) => i.score(new Float32Array(2), [0, 6]), 'BUG'],
  ])('refuses %s', async (_, act, code) => {
    await open(2, noise(12));
    await expect(act(index)).rejects.toMatchObject({ code });
  });

  it('refuses to search when closed', async () => {
    await open(2, noise(12));
    const waiting = index.search(new Float32Array(2), 1).catch((error: unknown) => error);
    await index.close();
    await waiting;
    await expect(index.search(new Float32Array(2), 1)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
  });
});

describe('two indexes in the same threads', () => {
  const dimension = 16;
  const query = noise(dimension, 5);
  const made = async (name: string, seed: number) =>
    await writeFlat(path.join(folder, name), dimension, noise(30_000 * dimension, seed));

  it('answers from the first while the second is opened gently, and each from its own rows', async () => {
    const first = await openNative(await made('first', 1), { threads: 2 });
    const due = await first.search(query, 5);
    const state = { opened: false, answered: 0 };
    const opening = openNative(await made('second', 2), { threads: 2, gently: true }).finally(() => {
      state.opened = true;
    });
    for (; !state.opened; state.answered += 1) expect(await first.search(query, 5)).toEqual(due);
    expect(state.answered).toBeGreaterThan(2);
    const second = await opening;
    const others = await second.search(query, 5);
    expect(others).not.toEqual(due);
    await first.close();
    await expect(first.search(query, 5)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    expect(await second.search(query, 5)).toEqual(others);
    await second.close();
  });

  it('goes on with the first where the second cannot be opened', async () => {
    const first = await openNative(await made('whole', 1), { threads: 2 });
    const due = await first.search(query, 5);
    const cut = await made('cut', 2);
    const opening = openNative(cut, { threads: 2, gently: true }).catch((error: unknown) => error);
    await truncate(cut, 100_000);
    expect(await opening).toMatchObject({ code: 'INDEX_INVALID' });
    expect(await first.search(query, 5)).toEqual(due);
    await first.close();
  });
});

describe('choosing an engine', () => {
  it('opens natively when asked to', async () => {
    index = await openDense(await writeFlat(path.join(folder, 'index'), 2, noise(4)), { engine: 'native' });
    expect(index.engine).toBe('native');
  });

  it('passes on what is wrong with the file', async () => {
    const file = path.join(folder, 'bad');
    await writeFile(file, 'not an index, whatever its name may say about that');
    await expect(openDense(file, { engine: 'native' })).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    await expect(openDense(path.join(folder, 'no'), { engine: 'native' })).rejects.toMatchObject({
      code: 'INDEX_MISSING',
    });
  });
});
