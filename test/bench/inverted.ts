// Inverted files beside faiss-cpu, in turn on the same rows: building (G5) and searching at equal recall (G4).
// usage: node test/bench/inverted.ts [--type IVFSQ8] [--rows 300000] [--target 0.95] [--rounds 5] [--builds 5] [--node-builds 1] [--busy]
import { execFile, fork } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { buildDense } from '../../src/search/vectors/build.ts';
import { openIvf } from '../../src/search/vectors/ivf.ts';
import { faissNodePath } from '../../src/search/vectors/faiss-node-package.ts';
import type { DenseType } from '../../src/search/vectors/plan.ts';
import { findExactly, recallOf, type Truth } from '../../src/search/vectors/recall.ts';
import { factoryOf, planFor } from './dense-plan.ts';
import { searchInTurn } from './in-turn.ts';
import { denseData } from './dense-data.ts';
import { type BuildCost, buildWithFaiss, lacking, startFaissPeer } from './peer.ts';
import { quantile } from './quantile.ts';
import { commonOptions, openSession, type RowHead, type Session } from './session.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    rows: { type: 'string', default: '300000' },
    dimension: { type: 'string', default: '768' },
    type: { type: 'string', default: 'IVFSQ8' },
    queries: { type: 'string', default: '200' },
    target: { type: 'string', default: '0.95' },
    builds: { type: 'string', default: '5' },
    'node-builds': { type: 'string', default: '1' },
    child: { type: 'string' },
  },
});
const [count, dimension, target] = [Number(values.rows), Number(values.dimension), Number(values.target)];
const type = values.type as DenseType;
const k = 10;
const data = await denseData({ count, dimension, queries: Number(values.queries), uniform: false });
const [ours, theirs] = [data.file(type), data.file(`peer-${type}`)];
const plan = planFor(type, { count, dimension });
const lists = plan.nlist ?? 0;
const factory = factoryOf(plan);

interface PeerSearch {
  readonly times: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

if (values.child === 'build') await buildHere();
else await compare();

async function compare(): Promise<void> {
  const what = `${type}, ${count.toLocaleString('en')} x ${dimension}`;
  const session = await openSession(`inverted-${type}-${count}`, values);
  const head = (goal: string, metric: string, peer: string, rest: Partial<RowHead>): RowHead => ({
    goal,
    metric: `${metric}, ${what}`,
    peer,
    unit: 'x',
    measured: 'ms',
    target: { atMost: 0.9 },
    checked: `recall@${k} of both at least ${target}, against every row`,
    ...rest,
  });
  const bestThreads = 'faiss-cpu, same lists, best of 1 and 2 threads';
  const heads = {
    wall: head('G5', 'build: learn, add, write', 'faiss-cpu, 2 threads', {
      measured: 's',
      target: { atMost: 1.6 },
      checked: 'both files searched below',
    }),
    node: head('G5', 'build: learn, add, write', 'faiss-node, FAISS of the system, 2 threads', {
      measured: 's',
      target: { atMost: 0.33 },
      checked: 'its file is there',
    }),
    memory: head('G5', 'build: peak memory over the size of the index', 'faiss-cpu, its peak', {
      unit: 'GB',
      measured: 'GB',
      target: { atMost: 0.5 },
      checked: 'maximum resident set of the process',
    }),
    p50: head('G4', `search p50, recall@${k} ≥ ${target}`, bestThreads, {}),
    p99: head('G4', `search p99, recall@${k} ≥ ${target}`, bestThreads, {}),
  };
  const absent = lacking('faiss', 'numpy');
  if (absent) {
    for (const one of Object.values(heads)) session.notRun(one, absent);
    session.finish();
    return;
  }

  const builds = Number(values.builds);
  if (builds > 0) {
    const [wall, memory] = [session.row(heads.wall), session.row(heads.memory)];
    for (let round = 0; round < builds; round += 1) {
      const own = await buildApart();
      const other = await buildTheirs();
      wall.round(own.seconds, other.seconds);
      memory.round(own.peak / 1e9, other.peak / 1e9, (own.peak - statSync(ours).size) / 1e9);
    }
  }
  await buildWithFaissNode(session, heads.node);
  if (!existsSync(ours)) await buildApart();
  if (!existsSync(theirs)) await buildTheirs();

  const truth = await findExactly(data.vectors, data.queries, k);
  const peer = await startFaissPeer();
  session.version('faiss-cpu', peer.version);
  const index = await openIvf(ours, { vectors: data.vectors, rerank: plan.rerank });
  await peer.ask({ do: 'load', path: theirs, query_file: data.queryFile, threads: 1 });
  const ownProbes = await probesFor(
    async (nprobe) => (await recallOf(index.probing(nprobe), truth)) >= target,
  );
  const peerProbes = await probesFor(async (nprobe) => {
    const { rows } = (await peer.ask({ do: 'search', nprobe, k, threads: 2 })) as PeerSearch;
    return recallOfRows(rows, truth) >= target;
  });
  const [p50, p99] = [session.row(heads.p50), session.row(heads.p99)];
  p50.note(
    `${ownProbes ?? 'all'} of ${lists} lists looked into, faiss-cpu ${peerProbes ?? 'all (recall not reached)'}`,
  );
  p99.note(
    'a search is asked of a thread, and vectors of WebAssembly have 128 bits, those of FAISS here up to 512',
  );
  const probing = index.probing(ownProbes ?? lists);
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const own = await searchInTurn(probing, data.queries);
    const nprobe = peerProbes ?? lists;
    const one = ((await peer.ask({ do: 'search', nprobe, k, threads: 1 })) as PeerSearch).times;
    const two = ((await peer.ask({ do: 'search', nprobe, k, threads: 2 })) as PeerSearch).times;
    if (round < 0) continue;
    const best = (share: number) => Math.min(quantile(one, share), quantile(two, share));
    p50.round(quantile(own, 0.5), best(0.5));
    p99.round(quantile(own, 0.99), best(0.99));
  }
  await index.close();
  peer.close();
  session.finish();
}

async function buildTheirs(): Promise<BuildCost> {
  rmSync(theirs, { force: true });
  const { vectors } = data;
  return await buildWithFaiss({ vectors, target: theirs, factory, training: plan.trainingRows });
}

/** One round each: it takes minutes. */
async function buildWithFaissNode(session: Session, head: RowHead): Promise<void> {
  const rounds = Number(values['node-builds']);
  const packagePath = faissNodePath(process.env['FAISS_NODE_FROM']);
  if (rounds === 0) return;
  if (packagePath === undefined) {
    session.notRun(head, 'faiss-node absent (FAISS_NODE_FROM names a folder that has it)');
    return;
  }
  const row = session.row(head);
  const script = fileURLToPath(new URL('faiss-node-arm.ts', import.meta.url));
  const target = data.file(`faiss-node-${type}`);
  for (let round = 0; round < rounds; round += 1) {
    const own = await buildApart();
    const args = [script, packagePath, data.vectors, target, factory, String(plan.trainingRows)];
    const env = { ...process.env, OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '2' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=8192', ...args], {
      env,
    });
    row.round(own.seconds, (JSON.parse(stdout) as BuildCost).seconds);
    rmSync(target);
  }
}

/** The fewest probes that are enough, each step a sixteenth more; undefined where all lists are not. */
async function probesFor(enough: (nprobe: number) => Promise<boolean>): Promise<number | undefined> {
  let low = 1;
  let high = lists;
  if (!(await enough(high))) return undefined;
  while (high - low > Math.max(1, low / 16)) {
    const middle = Math.round(Math.sqrt(low * high));
    if (await enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function recallOfRows(rows: readonly (readonly number[])[], { best }: Truth): number {
  const hits = best.flatMap(({ rows: due }, at) => due.filter((row) => rows[at]?.includes(row)));
  return hits.length / best.flatMap(({ rows: due }) => due).length;
}

/** In a process of its own, so that its peak is the build's. */
function buildApart(): Promise<BuildCost> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--child', 'build']);
    child.once('message', resolve as (message: unknown) => void);
    child.once('exit', (code) => reject(new Error(`the build exits ${code}`)));
  });
}

async function buildHere(): Promise<void> {
  const start = performance.now();
  await buildDense({ vectors: data.vectors, target: ours, plan, threads: 2 });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage();
  process.send?.({ seconds, cpu: (user + system) / 1e6, peak: process.resourceUsage().maxRSS * 1024 });
}
