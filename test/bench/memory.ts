// Resident memory while an index is served (a million rows exactly, fewer through lists), each side in a process of its own on the same rows, and
// whether it stays after many queries (G20).
// usage: node test/bench/memory.ts [--rows 1000000] [--many 200000] [--rounds 5] [--busy]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { buildDense } from '../../src/search/vectors/build.ts';
import type { DenseType } from '../../src/search/vectors/plan.ts';
import { factoryOf, planFor } from './dense-plan.ts';
import { type DenseData, denseData } from './dense-data.ts';
import { buildWithFaiss, lacking, startFaissPeer } from './peer.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    rows: { type: 'string', default: '1000000' },
    inverted: { type: 'string', default: '300000' },
    small: { type: 'string', default: '20000' },
    many: { type: 'string', default: '200000' },
    queries: { type: 'string', default: '50' },
  },
});
const asked = Number(values.queries);
const dimension = 768;
const absent = lacking('faiss', 'numpy');
const session = await openSession('memory', values);

for (const [type, count] of [
  ['Flat', Number(values.rows)],
  ['IVFSQ8', Number(values.inverted)],
] as const) {
  const data = await denseData({ count, dimension, queries: asked, uniform: false });
  if (type === 'IVFSQ8') await prepare(type, data, count);
  const size = `${count.toLocaleString('en')} x ${dimension}`;
  const head: RowHead = {
    goal: 'G20',
    metric: `resident memory while serving ${type}, ${size}`,
    peer: 'faiss-cpu, 2 threads, same rows',
    unit: 'x',
    measured: 'MB',
    target: { atMost: 1.1 },
    checked: `after ${asked} searches`,
  };
  if (absent !== undefined) {
    session.notRun(head, absent);
    continue;
  }
  const row = session.row(head);
  if (type === 'IVFSQ8') row.note('what does not grow with the rows, Node and its threads, is about 140 MB');
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const own = await serve(type, data);
    const ours = await own.search(asked);
    own.close();
    const peer = await startFaissPeer();
    session.version('faiss-cpu', peer.version);
    const path = type === 'Flat' ? data.vectors : data.file(`peer-${type}`);
    await peer.ask({ do: 'load', path, query_file: data.queryFile, threads: 2 });
    const { rss } = (await peer.ask({
      do: 'search',
      k: 10,
      threads: 2,
      nprobe: type === 'Flat' ? 0 : 64,
    })) as { rss: number };
    peer.close();
    row.round(ours / 1e6, rss / 1e6);
  }
}
await stays();
session.finish();

/** On a small index, so that the queries are many in the time: what leaks, leaks by query. */
async function stays(): Promise<void> {
  const few = Number(values.small);
  const small = await denseData({ count: few, dimension, queries: 100, uniform: false });
  await prepare('IVFSQ8', small, few);
  const row = session.row({
    goal: 'G20',
    metric: `resident memory after ${Number(values.many).toLocaleString('en')} searches, IVFSQ8, ${few.toLocaleString('en')} x ${dimension}`,
    peer: 'the same process after 10,000',
    unit: 'x',
    measured: 'MB',
    target: { atMost: 1.05 },
    checked: '',
  });
  const own = await serve('IVFSQ8', small);
  const before = await own.search(10_000);
  for (let round = 0; round < 5; round += 1)
    row.round((await own.search(Math.round(Number(values.many) / 5))) / 1e6, before / 1e6);
  own.close();
}

async function serve(
  type: DenseType,
  from: DenseData,
): Promise<{ search(queries: number): Promise<number>; close(): void }> {
  const [path, vectors] = type === 'Flat' ? [from.vectors, ''] : [from.file(type), from.vectors];
  const child: ChildProcess = fork(fileURLToPath(new URL('memory-arm.ts', import.meta.url)), [
    path,
    vectors,
    from.queryFile,
  ]);
  await once(child, 'message');
  return {
    async search(queries) {
      child.send(queries);
      const [rss] = (await once(child, 'message')) as [number];
      return rss;
    },
    close: () => void child.kill(),
  };
}

async function prepare(type: DenseType, from: DenseData, rows: number): Promise<void> {
  const plan = planFor(type, { count: rows, dimension });
  if (!existsSync(from.file(type)))
    await buildDense({ vectors: from.vectors, target: from.file(type), plan, threads: 2 });
  if (absent !== undefined || existsSync(from.file(`peer-${type}`))) return;
  const { vectors } = from;
  const target = from.file(`peer-${type}`);
  await buildWithFaiss({ vectors, target, factory: factoryOf(plan), training: plan.trainingRows });
}
