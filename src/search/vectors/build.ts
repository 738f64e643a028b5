import { unlink } from 'node:fs/promises';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { buildGraph } from './build-graph.ts';
import type { BuildTask } from './build-task.ts';
import { type Crew, pieces, startCrew } from './crew.ts';
import { readFlatHeader } from './faiss-header.ts';
import type { IvfCoding } from './ivf-format.ts';
import { createMatrixKernels } from './kernel-matrix.ts';
import type { DensePlan } from './plan.ts';
import { trainLists } from './train-lists.ts';
import { trainRanges } from './train-ranges.ts';
import { createWorkshop, type Workshop } from './workshop.ts';
import { writeLists } from './write-lists.ts';

export interface DenseBuild {
  /** The flat file with every row, in row order. */
  readonly vectors: string;
  /** Where the index goes; replaced. */
  readonly target: string;
  readonly plan: DensePlan;
  readonly threads: number;
  /** Folder to look for faiss-node from, for a graph; beside this program by default. */
  readonly packageFrom?: string;
  /** `what` is `train` (in steps), then `assign` and `write` (in rows). */
  readonly progress?: (done: number, total: number, what: 'train' | 'assign' | 'write') => void;
}

/** Rows whose lists are found in one task. */
const ROWS = 32_768;

/**
 * Builds the planned inverted file, or graph, from a flat one; its labels are row numbers. The same bytes whatever the
 * number of threads (on machines with the same multiply-add); flushed to disk. A Flat plan has nothing to build.
 */
export async function buildDense(request: DenseBuild): Promise<void> {
  const { vectors, target, plan } = request;
  if (plan.type === 'Flat') return;
  if (plan.type === 'HNSW') return buildPlannedGraph(request);
  const header = await readFlatHeader(vectors);
  const { count } = header;
  const [nlist, sampleRows] = [plan.nlist ?? 0, Math.min(plan.trainingRows, count)];
  if (nlist < 1 || sampleRows < nlist) {
    throw new PortiereError('BUG', `${nlist} lists cannot be learnt from ${sampleRows} of ${count} rows.`);
  }
  const threads = Math.max(1, request.threads);
  const shop = createWorkshop({ header, nlist, sampleRows, threads, segments: plan.pq?.segments ?? 0 });
  const crew = await startCrew(shop, threads);
  try {
    await learnAndWrite(request, shop, crew);
  } catch (error) {
    await unlink(target).catch(() => {});
    throw fromSystemError(error, target);
  } finally {
    await crew.close();
  }
}

async function buildPlannedGraph({
  vectors,
  target,
  plan,
  progress,
  packageFrom,
}: DenseBuild): Promise<void> {
  const { efConstruction, efSearch } = plan;
  if (efConstruction === null || efSearch === null)
    throw new PortiereError('BUG', 'A graph was not planned.');
  try {
    await buildGraph({
      vectors,
      target,
      efConstruction,
      efSearch,
      packageFrom,
      progress: (done, total) => progress?.(done, total, 'write'),
    });
  } catch (error) {
    await unlink(target).catch(() => {});
    throw error;
  }
}

async function learnAndWrite(
  { target, plan, progress }: DenseBuild,
  shop: Workshop,
  crew: Crew,
): Promise<void> {
  const { count } = shop.header;
  await trainLists(shop, crew, {
    kernels: createMatrixKernels(shop.memory),
    iterations: plan.iterations,
    progress: (done, total) => progress?.(done, total, 'train'),
  });
  const coding = await trainCoding(plan, shop, crew);
  const counted = (what: 'assign' | 'write') => {
    let done = 0;
    return (rows: number) => {
      done += rows;
      progress?.(done, count, what);
    };
  };
  const assigned = counted('assign');
  await crew.run(
    pieces(count, ROWS).map((piece): BuildTask => ({ kind: 'list', ...piece })),
    (task) => {
      if (task.kind === 'list') assigned(task.to - task.from);
    },
  );
  await writeLists(shop, crew, { target, coding, nprobe: plan.nprobe ?? 1, progress: counted('write') });
}

async function trainCoding({ type, pq }: DensePlan, shop: Workshop, crew: Crew): Promise<IvfCoding> {
  if (type === 'IVFFlat') return { kind: 'flat' };
  if (type === 'IVFSQ8') return trainRanges(shop);
  if (type !== 'IVFPQ' || !pq) throw new PortiereError('BUG', `A plan of type ${type} cannot be built here.`);
  const { segments } = pq;
  const byResidual = true;
  await crew.run(
    Array.from({ length: segments }, (_, segment) => ({ kind: 'segment', segment, segments, byResidual })),
  );
  return { kind: 'pq', segments, codebook: shop.segmentBook.slice(), byResidual };
}
