import type { BuildTask } from './build-task.ts';
import { type Crew, pieces } from './crew.ts';
import type { MatrixKernels } from './kernel-matrix.ts';
import { lloyd, splitEmpty } from './lloyd.ts';
import type { Workshop } from './workshop.ts';

/** Sample rows, or centroids, that one task covers. */
const PIECE = 8192;
const CENTROIDS = 128;
const GROUP_ITERATIONS = 4;

export interface Training {
  readonly kernels: MatrixKernels;
  readonly iterations: number;
  readonly progress: (done: number, total: number) => void;
}

/**
 * Spherical k-means over a sample of the file: leaves the centroids of the lists in the workshop, neighbours
 * beside each other, and the centroid of each sample row. The same whatever the number of threads.
 */
export async function trainLists(shop: Workshop, crew: Crew, training: Training): Promise<void> {
  const { kernels, iterations, progress } = training;
  const steps = iterations + 2;
  await crew.run(tasks('sample', shop.sampleRows, PIECE));
  progress(1, steps);
  startCentroids(shop);
  for (let round = 0; ; round += 1) {
    regroup(shop, kernels);
    await crew.run(tasks('nearest', shop.sampleRows, PIECE));
    progress(round + 2, steps);
    if (round === iterations) return;
    orderSample(shop);
    await crew.run(tasks('mean', shop.book.centroids, CENTROIDS));
    fillEmpty(shop);
  }
}

function tasks(kind: 'sample' | 'nearest' | 'mean', count: number, size: number): BuildTask[] {
  return pieces(count, size).map((piece) => ({ kind, ...piece }));
}

/** Sample rows evenly spaced, zeros passed over where that is possible. */
function startCentroids({ memory, book, sampleAt, sampleRows }: Workshop): void {
  const width = book.stride / 4;
  const floats = new Float32Array(memory.buffer);
  for (let centroid = 0; centroid < book.centroids; centroid += 1) {
    const first = Math.floor((centroid * sampleRows) / book.centroids);
    const end = Math.max(first + 1, Math.floor(((centroid + 1) * sampleRows) / book.centroids));
    let row = first;
    const at = () => sampleAt / 4 + row * width;
    while (row + 1 < end && floats.subarray(at(), at() + width).every((value) => value === 0)) row += 1;
    floats.copyWithin(book.centroidsAt / 4 + centroid * width, at(), at() + width);
  }
}

/** Clusters the centroids themselves, and renumbers them so that those of a group stand together. */
function regroup({ memory, book, scratchAt }: Workshop, kernels: MatrixKernels): void {
  const { stride, centroids, groups, centroidsAt, groupStarts } = book;
  if (groups === 1) return;
  const group = lloyd(memory, kernels, {
    pointsAt: centroidsAt,
    count: centroids,
    stride,
    k: groups,
    centroidsAt: book.groupsAt,
    biasAt: book.groupBiasAt,
    outAt: scratchAt.at(-1)!,
    iterations: GROUP_ITERATIONS,
    spherical: true,
  });
  const width = stride / 4;
  const place = new Float32Array(memory.buffer, centroidsAt, centroids * width);
  const before = place.slice();
  const order = Array.from(group.keys()).toSorted((a, b) => group[a]! - group[b]! || a - b);
  groupStarts.fill(0);
  for (const [at, centroid] of order.entries()) {
    place.set(before.subarray(centroid * width, (centroid + 1) * width), at * width);
    groupStarts[group[centroid]! + 1]! += 1;
  }
  for (let at = 0; at < groups; at += 1) groupStarts[at + 1]! += groupStarts[at]!;
}

/** The sample by centroid; rows of zeros belong to none. */
function orderSample({ nearest, order, starts }: Workshop): void {
  starts.fill(0);
  for (const centroid of nearest) if (centroid >= 0) starts[centroid + 1]! += 1;
  for (let at = 1; at < starts.length; at += 1) starts[at]! += starts[at - 1]!;
  const next = starts.slice();
  for (const [row, centroid] of nearest.entries()) {
    if (centroid < 0) continue;
    order[next[centroid]!] = row;
    next[centroid]! += 1;
  }
}

function fillEmpty({ memory, book, starts }: Workshop): void {
  const width = book.stride / 4;
  const centroids = new Float32Array(memory.buffer, book.centroidsAt, book.centroids * width);
  const counts = Float64Array.from({ length: book.centroids }, (_, at) => starts[at + 1]! - starts[at]!);
  splitEmpty({ centroids, counts, width, spherical: true });
}
