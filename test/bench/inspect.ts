// Files of both sides read by the other, and `index inspect` beside a bare Node at any size (G6).
// usage: node test/bench/inspect.ts [--rows 20000] [--rounds 5] [--busy]
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { buildDense } from '../../src/search/vectors/build.ts';
import { openDense } from '../../src/search/vectors/open.ts';
import type { DenseType } from '../../src/search/vectors/plan.ts';
import { factoryOf, planFor } from './dense-plan.ts';
import { denseData } from './dense-data.ts';
import { lacking, startFaissPeer } from './peer.ts';
import { median } from './quantile.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';

const { values } = parseArgs({ options: { ...commonOptions, rows: { type: 'string', default: '20000' } } });
const [count, dimension, k] = [Number(values.rows), 768, 10];
const binary = fileURLToPath(new URL('../../bin/portiere.js', import.meta.url));
const session = await openSession('inspect', values);
const data = await denseData({ count, dimension, queries: 100, uniform: false });

for (const size of [1_000, 1_000_000, 10_000_000]) inspectAt(size);
for (const type of ['Flat', 'IVFFlat', 'IVFSQ8'] as const) await interchange(type);
session.finish();

/** As many runs a round as make a median worth having, in turn. */
function inspectAt(size: number): void {
  const file = emptyFlat(size);
  const row = session.row({
    goal: 'G6',
    metric: `index inspect, ${size.toLocaleString('en')} x 768 (${((size * dimension * 4) / 1e9).toFixed(2)} GB)`,
    peer: 'node -e 0',
    unit: 'ms more',
    measured: 'ms',
    target: { atMost: 15 },
    checked: 'it tells the rows of the file',
  });
  row.note("one page is read at any size: the rest is Node's modules and the program's own loading");
  const told = spawnSync(process.execPath, [binary, 'index', 'inspect', file, '--json'], {
    encoding: 'utf8',
  });
  if (!told.stdout.includes(String(size))) throw new Error(`${told.stdout} ${told.stderr}`);
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const [own, bare]: [number[], number[]] = [[], []];
    for (let time = 0; time < 10; time += 1) {
      bare.push(timeOf(['-e', '0']));
      own.push(timeOf([binary, 'index', 'inspect', file]));
    }
    if (round >= 0) row.round(median(own), median(bare), median(own) - median(bare));
  }
  rmSync(file);
}

function timeOf(args: readonly string[]): number {
  const start = performance.now();
  if (spawnSync(process.execPath, args, { stdio: 'ignore' }).status !== 0) throw new Error(args.join(' '));
  return performance.now() - start;
}

/** A flat file whose rows are holes: what it takes to read it whole would show. */
function emptyFlat(size: number): string {
  const header = Buffer.alloc(45);
  header.write('IxFI');
  header.writeInt32LE(dimension, 4);
  header.writeBigInt64LE(BigInt(size), 8);
  header.writeBigInt64LE(1n << 20n, 16);
  header.writeBigInt64LE(1n << 20n, 24);
  header.writeUInt8(1, 32);
  header.writeBigUInt64LE(BigInt(size * dimension), 37);
  const path = data.file(`holes-${size}`);
  const file = openSync(path, 'w');
  writeSync(file, header);
  ftruncateSync(file, 45 + size * dimension * 4);
  closeSync(file);
  return path;
}

/** Each reads what the other wrote and finds the same rows; a round is all queries of one direction. */
async function interchange(type: DenseType): Promise<void> {
  const head: RowHead = {
    goal: 'G6',
    metric: `${type}, ${count.toLocaleString('en')} x ${dimension}: both read both files, largest difference of a score`,
    peer: 'faiss-cpu',
    unit: '',
    measured: 'score',
    target: { atMost: 1e-5 },
    checked: 'the same ten rows for 100 queries, but for ties',
  };
  const absent = lacking('faiss', 'numpy');
  if (absent) {
    session.notRun(head, absent);
    return;
  }
  const plan = planFor(type, { count, dimension });
  const ours = type === 'Flat' ? data.vectors : data.file(type);
  const theirs = data.file(`peer-${type}`);
  await buildDense({ vectors: data.vectors, target: ours, plan, threads: 2 });
  const peer = await startFaissPeer();
  session.version('faiss-cpu', peer.version);
  const factory = factoryOf(plan);
  await peer.ask({
    do: 'build',
    vectors: data.vectors,
    target: theirs,
    factory,
    training: plan.trainingRows,
    threads: 2,
  });
  const row = session.row(head);
  for (const path of [ours, theirs]) {
    await peer.ask({ do: 'load', path, query_file: data.queryFile, threads: 2 });
    const found = (await peer.ask({ do: 'search', k, threads: 2, nprobe: plan.nlist ?? 0 })) as {
      readonly rows: readonly (readonly number[])[];
      readonly scores: readonly (readonly number[])[];
    };
    // Without the vectors, so that what the codes say is compared.
    const index = await openDense(path, {
      engine: 'native',
      ...(plan.nlist === null ? {} : { nprobe: plan.nlist }),
    });
    let most = 0;
    for (const [at, rows] of found.rows.entries()) {
      const hits = await index.search(data.queries.subarray(at * dimension, (at + 1) * dimension), k);
      for (const [place, label] of rows.entries()) {
        const difference = Math.abs(hits.scores[place]! - found.scores[at]![place]!);
        if (label !== hits.rows[place] && difference > 1e-5)
          throw new Error(`query ${at}: row ${label} is not at ${place}`);
        most = Math.max(most, difference);
      }
    }
    await index.close();
    row.round(most, null, most);
  }
  peer.close();
}
