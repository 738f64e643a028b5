import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildDense } from '../../src/search/vectors/build.ts';
import type { DenseIndex } from '../../src/search/vectors/dense.ts';
import { openIvf } from '../../src/search/vectors/ivf.ts';
import { openNative } from '../../src/search/vectors/native.ts';
import { type DenseType, planDense } from '../../src/search/vectors/plan.ts';
import { findExactly, recallOf, type Truth } from '../../src/search/vectors/recall.ts';
import { startFaissPeer } from './peer.ts';
import { queriesOf, writeSynthetic } from './vectors.ts';

// Dense search and builds beside faiss-cpu, in turn, on the same files: paired ratios, ours to theirs.
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300000' },
    dimension: { type: 'string', default: '768' },
    type: { type: 'string', default: 'IVFSQ8' },
    queries: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '5' },
    target: { type: 'string', default: '0.95' },
    builds: { type: 'string', default: '1' },
    child: { type: 'string' },
  },
});
const [count, dimension, rounds] = [Number(values.rows), Number(values.dimension), Number(values.rounds)];
const type = values.type as DenseType;
const folder = fileURLToPath(new URL('../../.bench/data', import.meta.url));
const file = (name: string) => path.join(folder, `${name}-${count}-${dimension}.faiss`);
const [vectors, ours, theirs] = [file('vectors'), file(type), file(`peer-${type}`)];
const given = { count, dimension, topics: Math.round(count / 50), spread: 0.6 };
const plan = planDense({ ...given, memoryBytes: 2 ** 40, type, quality: 'standard', faissNode: false });
const k = 10;

if (values.child === 'build') await buildHere();
else await compare();

interface BuildCost {
  readonly seconds: number;
  /** Of the processor, all threads together. */
  readonly cpu: number;
  readonly peak: number;
}

interface PeerSearch {
  readonly times: readonly number[];
  readonly rows: readonly (readonly number[])[];
  readonly rss: number;
}

async function compare(): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!existsSync(vectors)) await writeSynthetic(vectors, { ...given, seed: 1 });
  const queries = queriesOf({ ...given, seed: 2, count: Number(values.queries) });
  const queryFile = file('queries');
  await writeFile(queryFile, new Uint8Array(queries.buffer));
  const peer = await startFaissPeer();
  const load = () => loadavg()[0]?.toFixed(2);
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, load ${load()}, Node ${process.version}, faiss-cpu ${peer.version}`,
  );
  console.log(
    `${count} rows of ${dimension}, ${values.queries} queries, ${rounds} rounds in turn; ours to theirs`,
  );

  const lists = plan.nlist ?? 0;
  const factory = {
    IVFFlat: `IVF${lists},Flat`,
    IVFSQ8: `IVF${lists},SQ8`,
    IVFPQ: `IVF${lists},PQ${plan.pq?.segments}x8`,
  }[type as string];
  const builds: number[] = [];
  for (let round = 0; round < Number(values.builds); round += 1) {
    const own = await buildApart();
    const builder = await startFaissPeer();
    const request = {
      do: 'build',
      vectors,
      target: theirs,
      factory,
      training: plan.trainingRows,
      threads: 2,
    };
    const other = (await builder.ask(request)) as BuildCost;
    builder.close();
    builds.push(own.seconds / other.seconds);
    console.log(`G5 build ${type} of ${lists} lists: ${cost(own)}; faiss-cpu ${cost(other)}; load ${load()}`);
  }
  report('G5 build', builds);

  const truth = await findExactly(vectors, queries, k);
  const flat = await openNative(vectors);
  await peer.ask({ do: 'load', path: vectors, query_file: queryFile, threads: 1 });
  const exact: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const own = await timed(flat, queries);
    const one = ((await peer.ask({ do: 'search', k, threads: 1 })) as PeerSearch).times;
    const two = ((await peer.ask({ do: 'search', k, threads: 2 })) as PeerSearch).times;
    if (round >= 0) exact.push(quantile(own, 0.5) / Math.min(quantile(one, 0.5), quantile(two, 0.5)));
  }
  report('G1 exact p50, one query', exact);
  await flat.close();

  const index = await openIvf(ours, { vectors, rerank: plan.rerank });
  await peer.ask({ do: 'load', path: theirs, query_file: queryFile, threads: 1 });
  const target = Number(values.target);
  const ownProbes = await probesFor(
    lists,
    async (nprobe) => (await recallOf(index.probing(nprobe), truth)) >= target,
  );
  const peerProbes = await probesFor(lists, async (nprobe) => {
    const { rows } = (await peer.ask({ do: 'search', nprobe, k })) as PeerSearch;
    return recallOfRows(rows, truth) >= target;
  });
  console.log(`G4 recall@${k} >= ${target}: nprobe ${ownProbes}, faiss-cpu ${peerProbes} (of ${lists})`);
  const searches = { p50: [] as number[], p99: [] as number[] };
  let peerRss = 0;
  const probing = index.probing(ownProbes ?? lists);
  for (let round = -1; round < rounds; round += 1) {
    const own = await timed(probing, queries);
    const nprobe = peerProbes ?? lists;
    const one = (await peer.ask({ do: 'search', nprobe, k, threads: 1 })) as PeerSearch;
    const two = (await peer.ask({ do: 'search', nprobe, k, threads: 2 })) as PeerSearch;
    peerRss = two.rss;
    if (round < 0) continue;
    for (const [name, share] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      searches[name].push(
        quantile(own, share) / Math.min(quantile(one.times, share), quantile(two.times, share)),
      );
    }
    const best = Math.min(quantile(one.times, 0.5), quantile(two.times, 0.5));
    console.log(`  p50 ${quantile(own, 0.5).toFixed(2)} ms, faiss-cpu ${best.toFixed(2)} ms; load ${load()}`);
  }
  report('G4 inverted file p50', searches.p50);
  report('G4 inverted file p99', searches.p99);
  console.log(
    `G20 memory with the inverted file: ours and this bench ${mb(process.memoryUsage().rss)} MB, faiss-cpu ${mb(peerRss)} MB`,
  );
  await index.close();
  peer.close();
}

async function timed(index: DenseIndex, queries: Float32Array): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < queries.length; at += dimension) {
    const start = performance.now();
    await index.search(queries.subarray(at, at + dimension), k);
    times.push(performance.now() - start);
  }
  return times;
}

/** The smallest power of two and a half that is enough; undefined where none is. */
async function probesFor(
  lists: number,
  enough: (nprobe: number) => Promise<boolean>,
): Promise<number | undefined> {
  for (let nprobe = 4; nprobe <= lists; nprobe = Math.ceil(nprobe * 1.25))
    if (await enough(nprobe)) return nprobe;
  return undefined;
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
  await buildDense({ vectors, target: ours, plan, threads: 2 });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage();
  process.send?.({ seconds, cpu: (user + system) / 1e6, peak: process.resourceUsage().maxRSS * 1024 });
}

function quantile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(share * times.length)] ?? 0;
}

function report(name: string, ratios: readonly number[]): void {
  if (ratios.length === 0) return;
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  console.log(`${name}: ${quantile(ratios, 0.5).toFixed(2)} x (${low.toFixed(2)} to ${high.toFixed(2)})`);
}

function cost({ seconds, cpu, peak }: BuildCost): string {
  return `${seconds.toFixed(1)} s (processor ${cpu.toFixed(1)} s), peak ${mb(peak)} MB`;
}

function mb(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
