import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDense } from '../../src/search/vectors/build.ts';
import type { DenseIndex } from '../../src/search/vectors/dense.ts';
import { inspectFaiss, readFlatHeader } from '../../src/search/vectors/faiss-header.ts';
import { openFaissNode } from '../../src/search/vectors/faiss-node.ts';
import { faissNodeInstalled } from '../../src/search/vectors/faiss-node-package.ts';
import { openDense } from '../../src/search/vectors/open.ts';
import { measureRecall } from '../../src/search/vectors/recall.ts';
import { openNative } from '../../src/search/vectors/native.ts';
import { noise, writeFlat } from '../search/vectors/given.ts';
import { plan } from '../search/vectors/ivf-given.ts';
import { noPython, runPython } from './python-faiss.ts';

const dimension = 96;
const count = 20_000;
const queries = 200;
const k = 10;

// FAISS_NODE_FROM names a folder that has faiss-node in its node_modules, where this project has not.
const packageFrom = process.env['FAISS_NODE_FROM'] ?? fileURLToPath(new URL('../..', import.meta.url));
const noFaissNode = faissNodeInstalled(packageFrom) ? '' : ' (skipped: faiss-node is not installed)';

let folder: string;
let ours: string;
let native: DenseIndex;
const asked = unitRows(noise(queries * dimension, 99));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'portiere-faiss-'));
  ours = await writeFlat(path.join(folder, 'ours'), dimension, unitRows(noise(count * dimension)));
  native = await openNative(ours);
});
afterAll(async () => {
  await native.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(noPython !== '')(`Python FAISS${noPython}`, () => {
  it('finds in our file what we find', async () => {
    const queryFile = path.join(folder, 'queries');
    await writeFile(queryFile, new Uint8Array(asked.buffer));
    runPython(
      `index = faiss.read_index(args[0])
assert (index.d, index.ntotal, index.metric_type) == (${dimension}, ${count}, faiss.METRIC_INNER_PRODUCT)
queries = numpy.fromfile(args[1], dtype='float32').reshape(-1, index.d)
scores, rows = index.search(queries, ${k})
scores.tofile(args[1] + '.scores'); rows.astype('int32').tofile(args[1] + '.rows')`,
      [ours, queryFile],
    );
    const scores = new Float32Array(new Uint8Array(await readFile(`${queryFile}.scores`)).buffer);
    const rows = new Int32Array(new Uint8Array(await readFile(`${queryFile}.rows`)).buffer);
    for (let query = 0; query < queries; query += 1) {
      await expectSame(queryAt(query), {
        rows: [...rows.subarray(query * k, query * k + k)],
        scores: [...scores.subarray(query * k, query * k + k)],
      });
    }
  });

  it('writes the same bytes for the same vectors', async () => {
    const theirs = path.join(folder, 'theirs');
    runPython(
      `index = faiss.read_index(args[0])
copy = faiss.IndexFlatIP(index.d); copy.add(index.reconstruct_n(0, index.ntotal)); faiss.write_index(copy, args[1])`,
      [ours, theirs],
    );
    expect(await readFlatHeader(theirs)).toEqual({ path: theirs, dimension, count });
    expect((await readFile(theirs)).equals(await readFile(ours))).toBe(true);
  });

  it.each([
    ['an L2 index', 'Flat', 'L2', 'IxF2'],
    ['an inverted file', 'IVF8,Flat', 'INNER_PRODUCT', 'IwFl'],
    ['a graph', 'HNSW8', 'INNER_PRODUCT', 'IHNf'],
  ])('has %s described and refused by us', async (_, factory, metric, fourcc) => {
    const file = path.join(folder, fourcc);
    runPython(
      `rows = numpy.random.RandomState(1).rand(500, 8).astype('float32')
index = faiss.index_factory(8, args[1], faiss.METRIC_${metric}); index.train(rows); index.add(rows)
faiss.write_index(index, args[0])`,
      [file, factory],
    );
    expect(await inspectFaiss(file)).toMatchObject({ fourcc, dimension: 8, count: 500, trained: true });
    await expect(openNative(file)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining(fourcc),
    });
  });
});

describe.skipIf(noFaissNode !== '')(`faiss-node${noFaissNode}`, () => {
  let index: DenseIndex;
  const pids: (number | undefined)[] = [];
  beforeAll(async () => {
    index = await openFaissNode(ours, { packageFrom, recycleAfter: 150, onStart: (pid) => pids.push(pid) });
  });
  afterAll(() => index.close());

  it('finds what we find, replaced on the way', async () => {
    for (let query = 0; query < queries; query += 1) {
      await expectSame(queryAt(query), await index.search(queryAt(query), k));
    }
    expect(pids).toHaveLength(2);
  });

  it('filters as we do, few rows allowed or many', async () => {
    for (const every of [2, 50, 5000]) {
      const allowed = Uint8Array.from({ length: count }, (_, row) => (row % every === 0 ? 1 : 0));
      await expectSame(queryAt(0), await index.search(queryAt(0), k, allowed), allowed);
    }
    const [a, b] = [await index.score(queryAt(1), [7, 3]), await native.score(queryAt(1), [7, 3])];
    for (const at of [0, 1]) expect(a[at]).toBeCloseTo(b[at]!, 5);
  });

  it('builds a graph and searches it, with the numbers it was given', async () => {
    const target = path.join(folder, 'graph');
    const numbers = { type: 'HNSW', nlist: null, nprobe: null, efConstruction: 80, efSearch: 64 } as const;
    const given = { vectors: ours, target, plan: plan(numbers), threads: 2 };
    await buildDense({ ...given, packageFrom });
    expect(await inspectFaiss(target)).toMatchObject({ count, hnsw: { efConstruction: 80, efSearch: 64 } });
    const bytes = await readFile(target);
    await buildDense({ ...given, packageFrom });
    expect((await readFile(target)).equals(bytes)).toBe(true);
    const graph = await openFaissNode(target, { packageFrom, vectors: ours });
    expect(await measureRecall(graph, ours, asked, k)).toBeGreaterThan(0.7);
    const few = Uint8Array.from({ length: count }, (_, row) => (row % 500 === 0 ? 1 : 0));
    await expectSame(queryAt(0), await graph.search(queryAt(0), k, few), few);
    const recall = await measureRecall(graph, ours, asked, k);
    await graph.close();
    for (const [efSearch, better] of [
      [512, true],
      [10, false],
    ] as const) {
      const other = await openFaissNode(target, { packageFrom, vectors: ours, efSearch });
      expect((await measureRecall(other, ours, asked, k)) > recall).toBe(better);
      await other.close();
    }
    expect((await readFile(target)).equals(bytes)).toBe(true);
    await expect(openFaissNode(target, { packageFrom })).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    await expect(openDense(target, { engine: 'native' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('answers although its process is killed', async () => {
    process.kill(pids.at(-1)!, 'SIGKILL');
    await expectSame(queryAt(2), await index.search(queryAt(2), k));
  });
});

/** Same scores to 1e-5; another row only where the two are as good as equal. */
async function expectSame(
  query: Float32Array,
  { rows, scores }: { readonly rows: readonly number[]; readonly scores: readonly number[] },
  allowed?: Uint8Array,
): Promise<void> {
  const own = await native.search(query, k, allowed);
  expect(rows).toHaveLength(own.rows.length);
  for (const [at, row] of rows.entries()) {
    expect(Math.abs(scores[at]! - own.scores[at]!)).toBeLessThan(1e-5);
    if (row === own.rows[at]) continue;
    const [score] = await native.score(query, [row]);
    expect(Math.abs(score! - own.scores[at]!)).toBeLessThan(1e-6);
  }
}

function queryAt(at: number): Float32Array {
  return asked.subarray(at * dimension, (at + 1) * dimension);
}

function unitRows(rows: Float32Array): Float32Array {
  for (let start = 0; start < rows.length; start += dimension) {
    const row = rows.subarray(start, start + dimension);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let at = 0; at < dimension; at += 1) row[at]! /= norm;
  }
  return rows;
}
