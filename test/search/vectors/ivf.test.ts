import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildDense } from '../../../src/search/vectors/build.ts';
import { readIvfLayout } from '../../../src/search/vectors/ivf-layout.ts';
import { type IvfIndex, openIvf } from '../../../src/search/vectors/ivf.ts';
import { openNative } from '../../../src/search/vectors/native.ts';
import { openDense } from '../../../src/search/vectors/open.ts';
import type { DensePlan } from '../../../src/search/vectors/plan.ts';
import { noise, temporaryFolder } from './given.ts';
import { buildIn, clustered, plan } from './ivf-given.ts';

const dimension = 24;
const count = 3000;
const rows = clustered({ count, dimension, clusters: 40 });
const queries = clustered({ count: 20, dimension, clusters: 40, seed: 9 });
const queryAt = (at: number) => queries.subarray(at * dimension, (at + 1) * dimension);
const kinds = [
  ['IVFFlat', plan({ type: 'IVFFlat' })],
  ['IVFSQ8', plan({ type: 'IVFSQ8' })],
  ['IVFPQ', plan({ type: 'IVFPQ', pq: { segments: 6, bits: 8 } })],
  ['IVFPQ of odd segments', plan({ type: 'IVFPQ', pq: { segments: 8, bits: 8 } })],
] as const;

let folder: string;
let index: IvfIndex | undefined;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterEach(() => index?.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The index of a kind, built once, under a folder of its own. */
async function built(given: DensePlan): Promise<{ readonly target: string; readonly vectors: string }> {
  const own = path.join(folder, `${given.type}${given.pq?.segments ?? ''}`);
  const [vectors, target] = [path.join(own, 'vectors.faiss'), path.join(own, 'dense.faiss')];
  if (existsSync(target)) return { vectors, target };
  await mkdir(own, { recursive: true });
  return buildIn(own, { rows, dimension, plan: given });
}

async function exact(allowed?: Uint8Array, k = 10): Promise<(readonly number[])[]> {
  const flat = await openNative(path.join(folder, 'IVFFlat', 'vectors.faiss'), { threads: 1 });
  const found = await Promise.all(
    Array.from({ length: 20 }, (_, at) => flat.search(queryAt(at), k, allowed)),
  );
  await flat.close();
  return found.map((hits) => hits.rows);
}

async function recall(truth: readonly (readonly number[])[], allowed?: Uint8Array): Promise<number> {
  const found = await Promise.all(truth.map((_, at) => index!.search(queryAt(at), 10, allowed)));
  const hits = found.flatMap(({ rows }, at) => rows.filter((row) => truth[at]!.includes(row)));
  return hits.length / truth.flat().length;
}

describe.each(kinds)('%s', (_, given: DensePlan) => {
  it('finds what exact search finds when all lists are looked into, most of it in some', async () => {
    const { target, vectors } = await built(given);
    index = await openIvf(target, { vectors, threads: 2 });
    expect(index).toMatchObject({ dimension, count, nlist: 16, nprobe: 4, engine: 'native' });
    const truth = await exact();
    expect(await recall(truth)).toBeGreaterThan(0.85);
    const all = index;
    index = all.probing(16);
    expect(await recall(truth)).toBeGreaterThan(given.type === 'IVFPQ' ? 0.98 : 0.999);
    const hits = await index.search(queryAt(0), 10);
    expect(hits.scores).toEqual([...(await index.score(queryAt(0), hits.rows))]);
    expect(hits.scores.toSorted((a, b) => b - a)).toEqual(hits.scores);
  });

  it('is the same file and gives the same hits whatever the number of threads', async () => {
    const { target, vectors } = await built(given);
    const one = await readFile(target);
    const again = path.join(folder, 'again');
    await buildDense({ vectors, target: again, plan: given, threads: 3 });
    expect((await readFile(again)).equals(one)).toBe(true);
    const found = [];
    for (const threads of [1, 3]) {
      index = await openIvf(target, { vectors, threads });
      found.push(await Promise.all([0, 1, 2, 3].map((at) => index!.search(queryAt(at), 30))));
      await index.close();
    }
    expect(found[1]).toEqual(found[0]);
  });

  it('filters before it counts, few rows allowed or many, until there are k', async () => {
    const { target, vectors } = await built(given);
    index = await openIvf(target, { vectors, threads: 1 });
    const some = Uint8Array.from({ length: count }, (_, row) => (row % 10 === 3 ? 0 : 1));
    expect(await recall(await exact(some), some)).toBeGreaterThan(0.85);
    const few = Uint8Array.from({ length: count }, (_, row) => (row % 100 === 3 ? 1 : 0));
    expect(await recall(await exact(few), few)).toBe(1);
    expect((await index.search(queryAt(0), 50, few)).rows).toHaveLength(30);
    expect((await index.search(queryAt(0), 2500, some)).rows).toHaveLength(2500);
    expect(await index.search(queryAt(0), 5, new Uint8Array(count))).toEqual({ rows: [], scores: [] });
  });

  it('does without the vectors', async () => {
    const { target } = await built(given);
    index = await openIvf(target, { threads: 1 });
    const { rows: found, scores } = await index.search(queryAt(0), 5);
    const again = await index.score(queryAt(0), found);
    for (const [at, score] of scores.entries()) expect(again[at]).toBeCloseTo(score, 6);
  });
});

describe('an inverted file', () => {
  it('has rows of zeros spread over the lists, and equal rows in order', async () => {
    const some = noise(500 * 4);
    some.fill(0, 400, 1200);
    for (let row = 300; row < 400; row += 1) some.set([1, 0, 0, 0], row * 4);
    const given = plan({ type: 'IVFSQ8', nlist: 8, nprobe: 8, trainingRows: 500 });
    const { target, vectors } = await buildIn(folder, { rows: some, dimension: 4, plan: given });
    const { sizes } = await readIvfLayout(target);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(25);
    index = await openIvf(target, { vectors, threads: 3 });
    const best = await index.search(Float32Array.from([1, 0, 0, 0]), 3);
    expect(best).toEqual({ rows: [300, 301, 302], scores: [1, 1, 1] });
    const all = await index.search(Float32Array.from([1, 0, 0, 0]), 500);
    expect(all.rows).toHaveLength(500);
  });

  it('is built from nothing but zeros, or one row many times', async () => {
    for (const value of [0, 0.5]) {
      const given = plan({ type: 'IVFSQ8', nlist: 4, nprobe: 1, trainingRows: 200 });
      const same = new Float32Array(200 * 4).fill(value);
      const { target, vectors } = await buildIn(folder, { rows: same, dimension: 4, plan: given });
      index = await openIvf(target, { vectors, threads: 1 });
      expect((await index.search(new Float32Array(4).fill(0.5), 200)).rows).toHaveLength(200);
      await index.close();
    }
  });

  it('is opened by its type', async () => {
    const { target, vectors } = await built(plan({ type: 'IVFSQ8' }));
    const opened = await openDense(target, { engine: 'auto', vectors });
    expect((await opened.search(queryAt(0), 3)).rows).toHaveLength(3);
    await opened.close();
    await expect(openDense(target, { engine: 'faiss-node', vectors })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('refuses a number of lists it does not have, and foreign vectors', async () => {
    const { target, vectors } = await built(plan({ type: 'IVFSQ8' }));
    index = await openIvf(target, { threads: 1 });
    for (const nprobe of [0, 17, 1.5]) {
      expect(() => index!.probing(nprobe)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    }
    const other = path.join(folder, 'other');
    await writeFile(other, await readFile(vectors));
    await truncate(other, 45);
    await expect(openIvf(target, { vectors: other })).rejects.toMatchObject({ code: 'INDEX_INVALID' });
  });

  it('leaves nothing behind when it cannot be written', async () => {
    const { vectors } = await built(plan({}));
    await expect(
      buildDense({ vectors, target: path.join(folder, 'no', 'dense'), plan: plan({}), threads: 2 }),
    ).rejects.toThrow('ENOENT');
  });
});

describe('a damaged inverted file', () => {
  it.each(kinds)('of type %s is refused however it is damaged', async (_, given: DensePlan) => {
    const small = { ...given, nlist: 2, nprobe: 2, trainingRows: 60 };
    const { target } = await buildIn(folder, {
      rows: rows.slice(0, 60 * dimension),
      dimension,
      plan: small,
    });
    const bytes = await readFile(target);
    const { listsAt } = await readIvfLayout(target);
    const damaged = path.join(folder, 'damaged');
    const head =
      given.type === 'IVFPQ'
        ? [...Array(160).keys(), ...Array(90).keys()].map((at, i) => (i < 160 ? at : listsAt - 1 - at))
        : [...Array(listsAt).keys()];
    for (const at of head) {
      const copy = Buffer.from(bytes);
      copy[at] = copy[at]! ^ 0xff;
      await writeFile(damaged, copy);
      const outcome = await readIvfLayout(damaged).then(
        () => 'read',
        (error: { readonly code?: string }) => error.code,
      );
      expect(['read', 'INDEX_INVALID'], `byte ${at}`).toContain(outcome);
    }
    for (let length = 0; length < bytes.length; length += Math.ceil(bytes.length / 150)) {
      await writeFile(damaged, bytes.subarray(0, length));
      await expect(readIvfLayout(damaged), `${length} bytes`).rejects.toMatchObject({
        code: 'INDEX_INVALID',
      });
    }
  });

  it('with labels that are no rows, or twice the same, is refused', async () => {
    const { target } = await built(plan({}));
    const bytes = await readFile(target);
    const damaged = path.join(folder, 'labels');
    for (const label of [BigInt(count), -1n, bytes.readBigInt64LE(bytes.length - 16)]) {
      bytes.writeBigInt64LE(label, bytes.length - 8);
      await writeFile(damaged, bytes);
      await expect(openIvf(damaged, { threads: 2 })).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    }
  });
});
