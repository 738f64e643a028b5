import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFaiss } from '../../../src/search/vectors/faiss-header.ts';
import { openIvf } from '../../../src/search/vectors/ivf.ts';
import { openNative } from '../../../src/search/vectors/native.ts';
import { findExactly, measureRecall } from '../../../src/search/vectors/recall.ts';
import { tuneProbes } from '../../../src/search/vectors/tune.ts';
import { temporaryFolder } from './given.ts';
import { buildIn, clustered, plan } from './ivf-given.ts';

const dimension = 20;
const rows = clustered({ count: 3001, dimension, clusters: 60 });
const queries = clustered({ count: 31, dimension, clusters: 60, seed: 5 });

let folder: string;
let built: { readonly vectors: string; readonly target: string };
beforeAll(async () => {
  folder = await temporaryFolder();
  built = await buildIn(folder, { rows, dimension, plan: plan({ type: 'IVFSQ8', nlist: 32, nprobe: 1 }) });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('measuring recall', () => {
  it('knows the best rows of every query, as exact search does', async () => {
    const { best } = await findExactly(built.vectors, queries, 7);
    const index = await openNative(built.vectors, { threads: 1 });
    expect(best).toHaveLength(31);
    for (const [at, { rows, scores }] of best.entries()) {
      const hits = await index.search(queries.subarray(at * dimension, (at + 1) * dimension), 7);
      expect(rows).toEqual(hits.rows);
      for (const [rank, score] of scores.entries()) expect(score).toBeCloseTo(hits.scores[rank]!, 5);
    }
    expect(await measureRecall(index, built.vectors, queries, 7)).toBe(1);
    await index.close();
  });

  it('counts what is missed', async () => {
    const index = await openIvf(built.target, { vectors: built.vectors, threads: 1 });
    const recalls = [];
    for (const nprobe of [1, 8, 32]) {
      recalls.push(await measureRecall(index.probing(nprobe), built.vectors, queries, 10));
    }
    expect(recalls[0]).toBeLessThan(0.9);
    expect(recalls[1]).toBeGreaterThan(recalls[0]!);
    expect(recalls[2]).toBe(1);
    await index.close();
  });
});

describe('tuning', () => {
  it('patches the smallest number of lists that is enough', async () => {
    const { nprobe, recall, reached } = await tuneProbes({
      path: built.target,
      vectors: built.vectors,
      queries,
      target: 0.95,
    });
    expect(reached).toBe(true);
    expect(recall).toBeGreaterThanOrEqual(0.95);
    expect((await inspectFaiss(built.target)).ivf?.nprobe).toBe(nprobe);
    const index = await openIvf(built.target, { vectors: built.vectors, threads: 1 });
    expect(await measureRecall(index, built.vectors, queries, 10)).toBe(recall);
    if (nprobe > 4) {
      expect(await measureRecall(index.probing(nprobe - 1), built.vectors, queries, 10)).toBeLessThan(0.95);
    }
    await index.close();
  });

  it('goes from four lists to all of them', async () => {
    const given = { path: built.target, vectors: built.vectors, queries };
    expect(await tuneProbes({ ...given, target: 0 })).toMatchObject({ nprobe: 4, reached: true });
    expect(await tuneProbes({ ...given, target: 1.1 })).toMatchObject({ nprobe: 32, reached: false });
  });
});
