import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDense } from '../../../src/search/vectors/build.ts';
import { openFaissNode } from '../../../src/search/vectors/faiss-node.ts';
import { faissNodeInstalled } from '../../../src/search/vectors/faiss-node-package.ts';
import { temporaryFolder, writeFlat } from './given.ts';
import { plan } from './ivf-given.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  file = await writeFlat(path.join(folder, 'index'), 2, Float32Array.from([0, 1, 1, 0, 0, 0, 1, 0, -1, 0]));
  // Stands in for the package: FAISS's answers on this index, higher rows first among equals, and a way to die.
  await put(
    'good',
    `const rows = [[0,1],[1,0],[0,0],[1,0],[-1,0]];
     exports.Index = { read: () => ({
       ntotal: () => 5, getDimension: () => 2,
       search(query, k) {
         if (!Array.isArray(query) || k > 5) throw new Error('refused');
         if (query[1] === 13) process.abort();
         const dot = (row) => rows[row][0] * query[0] + rows[row][1] * query[1];
         const labels = [0,1,2,3,4].sort((a, b) => dot(b) - dot(a) || b - a).slice(0, k);
         return { labels, distances: labels.map(dot) };
       } }) };`,
  );
  await put('bad', `throw new Error('built for another system');`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('faiss-node engine', () => {
  it('says whether the package is there', async () => {
    expect(faissNodeInstalled(path.join(folder, 'good'))).toBe(true);
    expect(faissNodeInstalled(folder)).toBe(false);
    await expect(openFaissNode(file, { packageFrom: folder })).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      hint: expect.stringContaining('npm install faiss-node'),
    });
  });

  it('builds no graph without the package, or with one that fails, and leaves nothing behind', async () => {
    const target = path.join(folder, 'graph');
    const numbers = { type: 'HNSW', nlist: null, nprobe: null, efConstruction: 80, efSearch: 64 } as const;
    const given = { vectors: file, target, plan: plan(numbers), threads: 1 };
    await expect(buildDense({ ...given, packageFrom: folder })).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
    });
    await expect(buildDense({ ...given, packageFrom: path.join(folder, 'bad') })).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('built for another system'),
    });
    expect(existsSync(target)).toBe(false);
  });

  it('says why the package does not load', async () => {
    await expect(openFaissNode(file, { packageFrom: path.join(folder, 'bad') })).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: expect.stringContaining('built for another system'),
    });
  });

  it('answers as the native engine does: ties, filters, more than there is', async () => {
    const { index } = await open();
    const query = Float32Array.from([1, 0]);
    expect(await index.search(query, 1)).toEqual({ rows: [1], scores: [1] });
    expect(await index.search(query, 3)).toEqual({ rows: [1, 3, 0], scores: [1, 1, 0] });
    expect((await index.search(query, 99)).rows).toEqual([1, 3, 0, 2, 4]);
    expect((await index.search(query, 2, Uint8Array.from([1, 0, 1, 0, 1]))).rows).toEqual([0, 2]);
    expect([...(await index.score(query, [4, 1, 4]))]).toEqual([-1, 1, -1]);
    expect(await index.search(query, 2, new Uint8Array(5))).toEqual({ rows: [], scores: [] });
    await expect(index.search(new Float32Array(3), 1)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    await index.close();
    await expect(index.search(query, 1)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
  });

  it('replaces a child that is killed, and gives up on a question that kills two', async () => {
    const { index, pids } = await open();
    process.kill(pids[0]!, 'SIGKILL');
    expect((await index.search(Float32Array.from([1, 0]), 1)).rows).toEqual([1]);
    expect(pids).toHaveLength(2);
    await expect(index.search(Float32Array.from([1, 13]), 1)).rejects.toThrow('ended twice');
    expect((await index.search(Float32Array.from([0, 1]), 1)).rows).toEqual([0]);
    await index.close();
  });

  it('replaces a child that has answered enough, losing no question', async () => {
    const { index, pids } = await open({ recycleAfter: 3 });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => index.search(Float32Array.from(at % 2 ? [1, 0] : [0, 1]), 1)),
    );
    expect(answers.map(({ rows }) => rows[0])).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(pids.length).toBeGreaterThan(1);
    await index.close();
  });
});

async function open(options: { recycleAfter?: number } = {}) {
  const pids: number[] = [];
  const index = await openFaissNode(file, {
    ...options,
    packageFrom: path.join(folder, 'good'),
    onStart: (pid) => pids.push(pid!),
  });
  return { index, pids };
}

async function put(name: string, code: string): Promise<void> {
  const home = path.join(folder, name, 'node_modules', 'faiss-node');
  await mkdir(home, { recursive: true });
  await writeFile(path.join(home, 'index.js'), code);
}
