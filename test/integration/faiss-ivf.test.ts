import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFaiss } from '../../src/search/vectors/faiss-header.ts';
import { type IvfIndex, openIvf } from '../../src/search/vectors/ivf.ts';
import { setEfSearch, setProbes } from '../../src/search/vectors/patch.ts';
import { noise } from '../search/vectors/given.ts';
import { buildIn, clustered, plan } from '../search/vectors/ivf-given.ts';
import { noPython, runPython } from './python-faiss.ts';

const count = 4000;
const queries = 60;
const k = 10;
// Dimensions that need padding and ones that do not, few lists and many.
const kinds = [
  ['IVFFlat', 'IVF20,Flat', 33, plan({ type: 'IVFFlat', nlist: 20, nprobe: 3 })],
  ['IVFFlat', 'IVF7,Flat', 64, plan({ type: 'IVFFlat', nlist: 7, nprobe: 7 })],
  ['IVFSQ8', 'IVF20,SQ8', 33, plan({ type: 'IVFSQ8', nlist: 20, nprobe: 3 })],
  ['IVFSQ8', 'IVF1,SQ8', 128, plan({ type: 'IVFSQ8', nlist: 1, nprobe: 1 })],
  ['IVFSQ8', 'IVF150,SQ8', 64, plan({ type: 'IVFSQ8', nlist: 150, nprobe: 20, trainingRows: 4000 })],
  ['IVFPQ', 'IVF20,PQ8x8', 64, plan({ type: 'IVFPQ', nlist: 20, nprobe: 4, pq: { segments: 8, bits: 8 } })],
  ['IVFPQ', 'IVF20,PQ11x8', 33, plan({ type: 'IVFPQ', nlist: 20, nprobe: 4, pq: { segments: 11, bits: 8 } })],
] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'portiere-faiss-ivf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(noPython !== '')(`Python FAISS and inverted files${noPython}`, () => {
  it.each(kinds)('finds in our %s what we find (%s, dimension %i)', async (_, __, dimension, given) => {
    const rows = clustered({ count, dimension, clusters: 50 });
    const { target } = await buildIn(folder, { rows, dimension, plan: given });
    await sameHits(target, dimension);
    await setProbes(target, Math.min(given.nlist ?? 1, 5));
    await sameHits(target, dimension);
  });

  it.each(kinds)(
    'has its %s searched by us as by itself (%s, dimension %i)',
    async (_, factory, dimension) => {
      const rows = clustered({ count, dimension, clusters: 50, seed: 3 });
      const [file, rowFile] = [path.join(folder, 'theirs'), path.join(folder, 'rows')];
      await writeFile(rowFile, new Uint8Array(rows.buffer));
      runPython(
        `rows = numpy.fromfile(args[1], dtype='float32').reshape(-1, ${dimension})
index = faiss.index_factory(${dimension}, args[2], faiss.METRIC_INNER_PRODUCT)
index.train(rows); index.add(rows); index.nprobe = max(1, index.nlist // 3); faiss.write_index(index, args[0])`,
        [file, rowFile, factory],
      );
      await sameHits(file, dimension);
    },
  );

  it('writes lists that are mostly empty as we read them', async () => {
    const file = path.join(folder, 'sparse');
    runPython(
      `rows = numpy.random.RandomState(1).randn(2000, 16).astype('float32'); faiss.normalize_L2(rows)
index = faiss.index_factory(16, 'IVF40,SQ8', faiss.METRIC_INNER_PRODUCT)
index.train(rows); index.add(rows[:7]); index.nprobe = 40; faiss.write_index(index, args[0])`,
      [file],
    );
    const index = await openIvf(file);
    expect((await index.search(new Float32Array(16).fill(1), 10)).rows).toHaveLength(7);
    await index.close();
  });

  it('turned over anywhere, our file is refused or searched, without end or abort', async () => {
    const dimension = 8;
    const rows = noise(500 * dimension);
    const { target } = await buildIn(folder, { rows, dimension, plan: plan({ type: 'IVFSQ8', nlist: 4 }) });
    const bytes = await readFile(target);
    const damaged = path.join(folder, 'damaged');
    for (let at = 3; at < bytes.length; at += at < 460 ? 9 : 397) {
      const copy = Buffer.from(bytes);
      copy[at] = copy[at]! ^ 0x80;
      await writeFile(damaged, copy);
      let index: IvfIndex | undefined;
      try {
        index = await openIvf(damaged, { threads: 1 });
        await index.search(rows.subarray(0, dimension), k);
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: 'INDEX_INVALID' });
      } finally {
        await index?.close();
      }
    }
  });

  it('has the graph we patched look as far as we said', async () => {
    const file = path.join(folder, 'graph');
    runPython(
      `rows = numpy.random.RandomState(1).randn(500, 8).astype('float32')
index = faiss.index_factory(8, 'HNSW16', faiss.METRIC_INNER_PRODUCT); index.hnsw.efConstruction = 77
index.add(rows); faiss.write_index(index, args[0])`,
      [file],
    );
    expect((await inspectFaiss(file)).hnsw).toMatchObject({ efConstruction: 77, efSearch: 16 });
    await setEfSearch(file, 123);
    expect(runPython('print(faiss.read_index(args[0]).hnsw.efSearch)', [file]).trim()).toBe('123');
  });
});

/** Both sides at the nprobe of the file, with nothing but the codes: same scores to 1e-5, same rows but for equals. */
async function sameHits(file: string, dimension: number): Promise<void> {
  const asked = clustered({ count: queries, dimension, clusters: 50, seed: 77 });
  const queryFile = path.join(folder, 'queries');
  await writeFile(queryFile, new Uint8Array(asked.buffer));
  runPython(
    `index = faiss.read_index(args[0])
queries = numpy.fromfile(args[1], dtype='float32').reshape(-1, index.d)
scores, rows = index.search(queries, ${k})
scores.tofile(args[1] + '.scores'); rows.astype('int32').tofile(args[1] + '.rows')`,
    [file, queryFile],
  );
  const scores = new Float32Array(new Uint8Array(await readFile(`${queryFile}.scores`)).buffer);
  const rows = new Int32Array(new Uint8Array(await readFile(`${queryFile}.rows`)).buffer);
  const index = await openIvf(file);
  for (let at = 0; at < queries; at += 1) {
    const query = asked.subarray(at * dimension, (at + 1) * dimension);
    const own = await index.search(query, k);
    const theirs = [...rows.subarray(at * k, at * k + k)].filter((row) => row >= 0);
    expect(own.rows.length).toBeGreaterThanOrEqual(theirs.length);
    const exact = await index.score(query, theirs);
    for (const [rank, row] of theirs.entries()) {
      expect(Math.abs(scores[at * k + rank]! - own.scores[rank]!)).toBeLessThan(1e-5);
      if (row !== own.rows[rank]) expect(Math.abs(exact[rank]! - own.scores[rank]!)).toBeLessThan(1e-5);
    }
  }
  await index.close();
}
