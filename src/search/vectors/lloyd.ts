import type { MatrixKernels } from './kernel-matrix.ts';
import type { KernelMemory } from './wasm.ts';

/** Points to cluster and room for the result, all places in bytes of one memory. */
export interface Clustering {
  readonly pointsAt: number;
  readonly count: number;
  /** Bytes of a point and of a centroid, a multiple of 16. */
  readonly stride: number;
  readonly k: number;
  readonly centroidsAt: number;
  /** Room for `k` float32, and one more where `k` is odd. */
  readonly biasAt: number;
  /** Room for 32 bytes. */
  readonly outAt: number;
  readonly iterations: number;
  /** Centroids of length one, compared by inner product; else plain means, compared by distance. */
  readonly spherical: boolean;
}

/**
 * k-means on the calling thread, every point against every centroid. Starts from points evenly spaced, so the
 * same points give the same centroids; gives the centroid of each point.
 */
export function lloyd(memory: KernelMemory, kernels: MatrixKernels, given: Clustering): Int32Array {
  const { pointsAt, count, stride, k, centroidsAt, biasAt, spherical } = given;
  const width = stride / 4;
  const points = new Float32Array(memory.buffer, pointsAt, count * width);
  const centroids = new Float32Array(memory.buffer, centroidsAt, k * width);
  const bias = new Float32Array(memory.buffer, biasAt, k + (k & 1));
  const nearest = new Int32Array(count);
  for (let at = 0; at < k; at += 1) {
    const from = Math.floor(((at + 0.5) * count) / k) * width;
    centroids.set(points.subarray(from, from + width), at * width);
  }
  for (let round = 0; round < given.iterations; round += 1) {
    setBias(bias, { centroids, k, width, spherical });
    assign(memory, kernels, { given, nearest });
    const counts = means({ points, centroids, nearest, width, k, spherical });
    splitEmpty({ centroids, counts, width, spherical });
  }
  setBias(bias, { centroids, k, width, spherical });
  assign(memory, kernels, { given, nearest });
  return nearest;
}

interface Means {
  readonly centroids: Float32Array;
  readonly width: number;
  readonly spherical: boolean;
}

/**
 * Gives each centroid without points half of the most crowded one's: the two are moved a little apart, and the
 * next step divides the points between them.
 */
export function splitEmpty({
  centroids,
  counts,
  width,
  spherical,
}: Means & { readonly counts: Float64Array }): void {
  for (let empty = 0; empty < counts.length; empty += 1) {
    if (counts[empty] !== 0) continue;
    const crowded = counts.reduce((most, count, at) => (count > counts[most]! ? at : most), 0);
    if (counts[crowded]! < 2) return;
    const [to, from] = [empty * width, crowded * width];
    for (let at = 0; at < width; at += 1) {
      const value = centroids[from + at]!;
      const push = (at % 2 === 0 ? 1 : -1) / 1024;
      centroids[to + at] = value * (1 + push);
      centroids[from + at] = value * (1 - push);
    }
    if (spherical) {
      normalise(centroids, to, width);
      normalise(centroids, from, width);
    }
    counts[empty] = Math.floor(counts[crowded]! / 2);
    counts[crowded]! -= counts[empty]!;
  }
}

/** Makes the vector at `start` one of length one, unless it is zero. */
export function normalise(values: Float32Array, start: number, width: number): void {
  let square = 0;
  for (let at = start; at < start + width; at += 1) square += values[at]! ** 2;
  if (square === 0) return;
  const scale = 1 / Math.sqrt(square);
  for (let at = start; at < start + width; at += 1) values[at]! *= scale;
}

/** By distance, |x - c|^2 is least where x.c - |c|^2 / 2 is largest. */
function setBias(
  bias: Float32Array,
  { centroids, k, width, spherical }: Means & { readonly k: number },
): void {
  bias.fill(-Infinity, k);
  for (let at = 0; at < k; at += 1) {
    const centroid = spherical ? [] : centroids.subarray(at * width, (at + 1) * width);
    let square = 0;
    for (const value of centroid) square += value ** 2;
    bias[at] = -square / 2;
  }
}

function assign(
  memory: KernelMemory,
  kernels: MatrixKernels,
  { given, nearest }: { readonly given: Clustering; readonly nearest: Int32Array },
): void {
  const { pointsAt, count, stride, k, centroidsAt, biasAt, outAt } = given;
  const found = new Int32Array(memory.buffer, outAt + 16, 4);
  const find = stride % 64 === 0 ? kernels.nearest : kernels.nearestShort;
  for (let first = 0; first < count; first += 4) {
    const at = (row: number) => pointsAt + Math.min(first + row, count - 1) * stride;
    find(at(0), at(1), at(2), at(3), centroidsAt, k + (k & 1), stride, biasAt, outAt);
    for (let row = 0; row < Math.min(4, count - first); row += 1) nearest[first + row] = found[row]!;
  }
}

interface Summing extends Means {
  readonly points: Float32Array;
  readonly nearest: Int32Array;
  readonly k: number;
}

function means({ points, centroids, nearest, width, k, spherical }: Summing): Float64Array {
  const sums = new Float64Array(k * width);
  const counts = new Float64Array(k);
  for (let point = 0; point < nearest.length; point += 1) {
    const [to, from] = [nearest[point]! * width, point * width];
    counts[nearest[point]!]! += 1;
    for (let at = 0; at < width; at += 1) sums[to + at]! += points[from + at]!;
  }
  for (let centroid = 0; centroid < k; centroid += 1) {
    const count = counts[centroid]!;
    if (count === 0) continue;
    for (let at = centroid * width; at < (centroid + 1) * width; at += 1) centroids[at] = sums[at]! / count;
    if (spherical) normalise(centroids, centroid * width, width);
  }
  return counts;
}
