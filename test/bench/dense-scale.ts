import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildDense } from '../../src/search/vectors/build.ts';
import { openDense } from '../../src/search/vectors/open.ts';
import type { DenseType } from '../../src/search/vectors/plan.ts';
import { measureRecall } from '../../src/search/vectors/recall.ts';
import { planFor } from './dense-plan.ts';
import { queriesOf, writeSynthetic } from './vectors.ts';

// A dense index of many rows, built and searched in this process: time, memory, recall. Nothing to compare with.
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    dimension: { type: 'string', default: '384' },
    type: { type: 'string', default: 'IVFSQ8' },
    queries: { type: 'string', default: '200' },
    threads: { type: 'string', default: '2' },
    rebuild: { type: 'boolean', default: false },
  },
});
const [count, dimension, threads] = [Number(values.rows), Number(values.dimension), Number(values.threads)];
const type = values.type as DenseType;
const given = { count, dimension, topics: Math.round(count / 50), spread: 0.6 };
const folder = fileURLToPath(new URL('../../.bench/data', import.meta.url));
await mkdir(folder, { recursive: true });
const vectors = path.join(folder, `vectors-${count}-${dimension}.faiss`);
const target = path.join(folder, `${type}-${count}-${dimension}.faiss`);

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`,
);
if (!existsSync(vectors)) await writeSynthetic(vectors, { ...given, seed: 1 });

const plan = planFor(type, given);
console.log(JSON.stringify(plan));
if (values.rebuild || !existsSync(target)) {
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  let stage = '';
  await buildDense({
    vectors,
    target,
    plan,
    threads,
    progress: (done, total, what) => {
      if (what !== stage || done === total) console.log(`${seconds(start)} s: ${what} ${done} of ${total}`);
      stage = what;
    },
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  console.log(`built in ${seconds(start)} s (${((user + system) / 1e6).toFixed(1)} s of processor)`);
  console.log(`peak memory of the process ${megabytes(process.resourceUsage().maxRSS * 1024)} MB`);
}

const start = performance.now();
const index = await openDense(target, { engine: 'native', vectors, rerank: plan.rerank });
console.log(`opened in ${seconds(start)} s, ${megabytes(process.memoryUsage().rss)} MB`);
const queries = queriesOf({ ...given, seed: 2, count: Number(values.queries) });
const times: number[] = [];
for (let at = 0; at < queries.length; at += dimension) {
  const begun = performance.now();
  await index.search(queries.subarray(at, at + dimension), 10);
  times.push(performance.now() - begun);
}
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(share * times.length)]?.toFixed(2);
console.log(
  `${times.length} searches: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${megabytes(process.memoryUsage().rss)} MB`,
);
console.log(`recall@10 ${(await measureRecall(index, vectors, queries, 10)).toFixed(4)}`);
console.log(`load ${loadavg()[0]?.toFixed(2)}, ${megabytes(process.memoryUsage().rss)} MB`);
await index.close();

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
