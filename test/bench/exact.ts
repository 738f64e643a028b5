// Exact search of every row (G1, G3) and of several queries at once (G2) beside faiss-cpu, in turn on one file.
// usage: node test/bench/exact.ts [--rows 300000] [--queries 40] [--uniform] [--rounds 5] [--busy]
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

import type { DenseHits, DenseIndex } from '../../src/search/vectors/dense.ts';
import { byteRowSize } from '../../src/search/vectors/byte-rows.ts';
import { openNative } from '../../src/search/vectors/native.ts';
import { searchInTurn } from './in-turn.ts';
import { denseData } from './dense-data.ts';
import { lacking, type Peer, startFaissPeer } from './peer.ts';
import { median } from './quantile.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';
import { trueBest } from './true-best.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    rows: { type: 'string', default: '300000' },
    dimension: { type: 'string', default: '768' },
    queries: { type: 'string', default: '40' },
    batches: { type: 'string', default: '4,16,64' },
    uniform: { type: 'boolean', default: false },
  },
});
const k = 10;
const [count, dimension] = [Number(values.rows), Number(values.dimension)];
const batches = values.batches.split(',').filter(Boolean).map(Number);
const most = Math.max(Number(values.queries), ...batches);
const data = await denseData({ count, dimension, queries: most, uniform: values.uniform });
const what = `${count.toLocaleString('en')} x ${dimension}${values.uniform ? ', uniform' : ''}`;
const single = data.queries.subarray(0, Number(values.queries) * dimension);
interface Searched {
  readonly times: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

const absent = lacking('faiss', 'numpy');
if (!absent) await prepareCodes();
const session = await openSession(`exact-${count}${values.uniform ? '-uniform' : ''}`, values);
const checked =
  'the same ten rows as sums in double precision give (20 queries), and as faiss-cpu gives (all)';
const heads = {
  one: head('G1', 'exact search, one query, p50', 'faiss-cpu Flat, best of 1 and 2 threads', 0.55),
  flat: head(
    'G3',
    'exact search through bytes, one query, p50',
    'faiss-cpu Flat, best of 1 and 2 threads',
    0.3,
  ),
  codes: head(
    'G3',
    'exact search through bytes, one query, p50',
    'faiss-cpu SQ8 (not exact), best of 1 and 2 threads',
    0.4,
  ),
};
const share: RowHead = {
  ...heads.one,
  metric: `exact search, one query: bytes read a second, ${what}`,
  peer: 'what two cores read (numpy.dot, 2 threads)',
  measured: 'GB/s',
  target: { atLeast: 0.85 },
};
const batchHeads = batches.map((size) =>
  head(
    'G2',
    `exact search, ${size} queries at once, each`,
    'faiss-cpu Flat, 2 threads, best of BLAS always and as usual',
    { 4: 0.7, 16: 0.8, 64: 0.9 }[size] ?? 0.9,
  ),
);
if (absent) for (const one of [...Object.values(heads), share, ...batchHeads]) session.notRun(one, absent);
else await compare();
session.finish();

function head(goal: string, metric: string, peer: string, atMost: number): RowHead {
  return { goal, metric: `${metric}, ${what}`, peer, unit: 'x', measured: 'ms', target: { atMost }, checked };
}

async function compare(): Promise<void> {
  const [flat, codes] = [await startFaissPeer(), await startFaissPeer()];
  session.version('faiss-cpu', flat.version);
  await flat.ask({ do: 'load', path: data.vectors, query_file: data.queryFile, threads: 1 });
  await codes.ask({ do: 'load', path: data.file('peer-SQ8'), query_file: data.queryFile, threads: 1 });
  const { rate } = (await flat.ask({ do: 'bandwidth' })) as { rate: number };
  const ours = await openNative(data.vectors, { threads: 2 });
  await check(ours, flat);

  const rows = {
    one: session.row(heads.one),
    flat: session.row(heads.flat),
    codes: session.row(heads.codes),
    share: session.row(share),
  };
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const own = median(await searchInTurn(ours, single));
    const best = await bestOf(flat, [{ threads: 1 }, { threads: 2 }]);
    const bestCodes = await bestOf(codes, [{ threads: 1 }, { threads: 2 }]);
    if (round < 0) continue;
    rows.one.round(own, best);
    rows.flat.round(own, best);
    rows.codes.round(own, bestCodes);
    rows.share.round((count * byteRowSize(dimension)) / own / 1e6, rate / 1e9);
  }
  const seconds = (count * dimension * 4) / rate;
  rows.one.note(
    `ours reads a byte a dimension, with bounds that prove the ten rows; reading every float32 once takes ${(seconds * 1000).toFixed(0)} ms at the ${(rate / 1e9).toFixed(1)} GB/s that two cores read here`,
  );
  for (const [at, size] of batches.entries()) {
    const row = session.row(batchHeads[at]!);
    if (size >= 64)
      row.note('bound by arithmetic: vectors of WebAssembly have 128 bits, those of BLAS here up to 512');
    const queries = data.queries.subarray(0, size * dimension);
    for (let round = -1; round < Number(values.rounds); round += 1) {
      const own = await atOnce(ours, queries);
      const asked = { batch: size, most: size, threads: 2 };
      const best = await bestOf(flat, [asked, { ...asked, blas: 1 }]);
      if (round >= 0) row.round(own, best);
    }
  }
  await ours.close();
  flat.close();
  codes.close();
}

/** Throws unless ours are the rows that count; ties may be in any order. */
async function check(ours: DenseIndex, flat: Peer): Promise<void> {
  const { rows } = (await flat.ask({ do: 'search', k, threads: 2, blas: 1, batch: 64 })) as Searched;
  const sample = data.queries.subarray(0, 20 * dimension);
  const truth = await trueBest(data.vectors, sample, k);
  for (let at = 0; at < data.queries.length / dimension; at += 1) {
    const found = await ours.search(data.queries.subarray(at * dimension, (at + 1) * dimension), k);
    const due = truth[at]?.map(({ row }) => row) ?? rows[at] ?? [];
    const last = Math.min(...found.scores);
    const missing = due.filter((row) => !found.rows.includes(row));
    const scores = await ours.score(data.queries.subarray(at * dimension, (at + 1) * dimension), missing);
    if (scores.some((score) => score > last + 1e-5))
      throw new Error(`query ${at}: rows ${missing.join()} are missing`);
  }
}

/** Milliseconds a query. */
async function atOnce(index: DenseIndex, queries: Float32Array): Promise<number> {
  const start = performance.now();
  const asked: Promise<DenseHits>[] = [];
  for (let at = 0; at < queries.length; at += dimension)
    asked.push(index.search(queries.subarray(at, at + dimension), k));
  await Promise.all(asked);
  return (performance.now() - start) / asked.length;
}

async function bestOf(peer: Peer, settings: readonly object[]): Promise<number> {
  const found: number[] = [];
  for (const setting of settings) {
    const asked = { do: 'search', k, most: Number(values.queries), ...setting };
    found.push(median(((await peer.ask(asked)) as Searched).times));
  }
  return Math.min(...found);
}

/** The peer's own index of 8-bit codes. */
async function prepareCodes(): Promise<void> {
  if (existsSync(data.file('peer-SQ8'))) return;
  const builder = await startFaissPeer();
  const training = Math.min(count, 50_000);
  await builder.ask({
    do: 'build',
    vectors: data.vectors,
    target: data.file('peer-SQ8'),
    factory: 'SQ8',
    training,
    threads: 2,
  });
  builder.close();
}
