import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, stat, unlink, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildDense } from '../../src/search/vectors/build.ts';
import { openDense } from '../../src/search/vectors/open.ts';
import type { DenseType } from '../../src/search/vectors/plan.ts';
import { planFor } from './dense-plan.ts';
import { queriesOf, writeSynthetic } from './vectors.ts';

// What the planner says an index takes, beside what it takes: bytes on disk, memory to build and to search. Each
// figure is of a process of its own, less what that process held before.
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000,300000,1000000' },
    dimensions: { type: 'string', default: '384' },
    types: { type: 'string', default: 'Flat,IVFFlat,IVFSQ8,IVFPQ' },
    /** Memory follows from the sample and not from how often it is gone through; more only takes longer. */
    iterations: { type: 'string', default: '1' },
    out: { type: 'string' },
    child: { type: 'string' },
    job: { type: 'string' },
  },
});
const folder = fileURLToPath(new URL('../../.bench/data', import.meta.url));
const MIB = 2 ** 20;
/** As the plan counts on. */
const threads = 4;
const searches = 300;

interface Job {
  readonly count: number;
  readonly dimension: number;
  readonly type: DenseType;
}

interface Memory {
  /** Bytes above what the process held before: at the end, and at most. */
  readonly held: number;
  readonly peak: number;
}

if (values.child === undefined) await compare();
else process.send?.(await measureHere(values.child, JSON.parse(values.job ?? '') as Job));

async function compare(): Promise<void> {
  await mkdir(folder, { recursive: true });
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; MiB, planned / measured`,
  );
  console.log(['rows', 'dim', 'type', 'lists', 'disk', 'build peak', 'serving', 'serving peak'].join('\t'));
  const rows: object[] = [];
  for (const dimension of numbers(values.dimensions)) {
    for (const count of numbers(values.rows)) {
      await writeVectors(count, dimension);
      for (const type of values.types.split(',') as DenseType[]) {
        const job = { count, dimension, type };
        const plan = planFor(job.type, job);
        const built = type === 'Flat' ? undefined : await inChild('build', job);
        const served = await inChild('serve', job);
        const disk = await bytesOnDisk(job);
        rows.push({ ...job, plan, built, served, disk });
        console.log(
          [
            count,
            dimension,
            type,
            plan.nlist ?? '-',
            beside(plan.diskBytes, disk),
            built === undefined ? '-' : beside(plan.buildMemoryBytes, built.peak),
            beside(plan.memoryBytes, served.held),
            beside(plan.memoryBytes, served.peak),
          ].join('\t'),
        );
        if (type !== 'Flat') await unlink(fileOf(type, job));
      }
      await unlink(fileOf('vectors', { count, dimension }));
    }
  }
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(rows, null, 2)}\n`);
}

async function measureHere(what: string, job: Job): Promise<Memory> {
  const plan = planFor(job.type, job);
  const vectors = fileOf('vectors', job);
  const target = job.type === 'Flat' ? vectors : fileOf(job.type, job);
  const queries = queriesOf({ ...shapeOf(job), seed: 2, count: searches });
  globalThis.gc?.();
  const before = memoryOf('VmRSS');
  if (what === 'build') {
    await buildDense({ vectors, target, plan: { ...plan, iterations: Number(values.iterations) }, threads });
    return { held: memoryOf('VmRSS') - before, peak: memoryOf('VmHWM') - before };
  }
  const index = await openDense(target, {
    engine: job.type === 'HNSW' ? 'auto' : 'native',
    ...(job.type === 'Flat' ? {} : { vectors, rerank: plan.rerank }),
  });
  for (let at = 0; at < searches; at += 1) {
    await index.search(queries.subarray(at * job.dimension, (at + 1) * job.dimension), 200);
  }
  const memory = { held: memoryOf('VmRSS') - before, peak: memoryOf('VmHWM') - before };
  await index.close();
  return memory;
}

async function inChild(child: string, job: Job): Promise<Memory> {
  const args = ['--child', child, '--job', JSON.stringify(job), '--iterations', values.iterations];
  const started = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] });
  return await new Promise((resolve, reject) => {
    started.once('message', (memory: Memory) => resolve(memory));
    started.once('exit', (code, signal) =>
      reject(new Error(`${child} of ${JSON.stringify(job)}: ${signal ?? code}`)),
    );
  });
}

function memoryOf(name: 'VmRSS' | 'VmHWM'): number {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${name}:\\s+(\\d+) kB`));
  return Number(line?.[1]) * 1024;
}

async function writeVectors(count: number, dimension: number): Promise<void> {
  const file = fileOf('vectors', { count, dimension });
  if (!existsSync(file)) await writeSynthetic(file, { ...shapeOf({ count, dimension }), seed: 1 });
}

function shapeOf({ count, dimension }: Omit<Job, 'type'>): {
  count: number;
  dimension: number;
  topics: number;
  spread: number;
} {
  return { count, dimension, topics: Math.round(count / 50), spread: 0.6 };
}

async function bytesOnDisk(job: Job): Promise<number> {
  const vectors = (await stat(fileOf('vectors', job))).size;
  return job.type === 'Flat' ? vectors : vectors + (await stat(fileOf(job.type, job))).size;
}

function fileOf(name: string, { count, dimension }: Omit<Job, 'type'>): string {
  return path.join(folder, `planner-${name}-${count}-${dimension}.faiss`);
}

function beside(planned: number, measured: number): string {
  return `${Math.round(planned / MIB)} / ${Math.round(measured / MIB)} (${(planned / measured).toFixed(2)})`;
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}
