import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFaiss } from '../../../src/search/vectors/faiss-header.ts';
import { readIvfLayout } from '../../../src/search/vectors/ivf-layout.ts';
import { setEfSearch, setProbes } from '../../../src/search/vectors/patch.ts';
import { graphBytes } from './graph-given.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';
import { buildIn, plan } from './ivf-given.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const build = (given: Parameters<typeof plan>[0]) =>
  buildIn(folder, {
    rows: noise(300 * 8),
    dimension: 8,
    plan: plan({ nlist: 5, nprobe: 2, trainingRows: 300, ...given }),
  });

describe('an inverted file', () => {
  it.each([
    ['IwFl', plan({ type: 'IVFFlat' }), 32],
    ['IwSq', plan({ type: 'IVFSQ8' }), 8],
    ['IwPQ', plan({ type: 'IVFPQ', pq: { segments: 2, bits: 8 } }), 2],
  ])('of type %s says what it is', async (fourcc, { type, pq }, codeSize) => {
    const { target } = await build({ type, pq });
    expect(await inspectFaiss(target)).toMatchObject({
      fourcc,
      count: 300,
      ivf: { nlist: 5, nprobe: 2, quantiser: 'IxFI', codeSize },
    });
  });

  it('is patched in place, one number and nothing else', async () => {
    const { target } = await build({});
    const before = await readFile(target);
    await setProbes(target, 5);
    expect(await readIvfLayout(target)).toMatchObject({ nprobe: 5 });
    await setProbes(target, 2);
    expect((await readFile(target)).equals(before)).toBe(true);
  });

  it.each([0, 6, 2.5, Number.NaN])('is not patched to look into %d lists', async (nprobe) => {
    const { target } = await build({});
    await expect(setProbes(target, nprobe)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect((await inspectFaiss(target)).ivf?.nprobe).toBe(2);
  });
});

describe('another index', () => {
  it('has no such number', async () => {
    const flat = await writeFlat(path.join(folder, 'flat'), 4, noise(8));
    for (const attempt of [async () => await setProbes(flat, 1), async () => await setEfSearch(flat, 16)]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
    await expect(setProbes(path.join(folder, 'none'), 1)).rejects.toMatchObject({ code: 'INDEX_MISSING' });
  });
});

describe('a graph', () => {
  it('is patched in place, and one that leads out of its file is not', async () => {
    const file = path.join(folder, 'graph');
    const graph = graphBytes();
    await writeFile(file, graph);
    expect((await inspectFaiss(file)).hnsw).toMatchObject({ efConstruction: 40, efSearch: 16 });
    await setEfSearch(file, 200);
    expect((await inspectFaiss(file)).hnsw).toMatchObject({ efConstruction: 40, efSearch: 200 });
    await expect(setEfSearch(file, 0)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    graph.writeBigUInt64LE(2n ** 60n, 37);
    await writeFile(file, graph);
    expect((await inspectFaiss(file)).hnsw).toBeUndefined();
    await expect(setEfSearch(file, 20)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
