import { rm } from 'node:fs/promises';
import path from 'node:path';
import { buildDense } from '../../../src/search/vectors/build.ts';
import type { DensePlan } from '../../../src/search/vectors/plan.ts';
import { noise, writeFlat } from './given.ts';

/** Unit rows in `clusters` overlapping clusters; the same every time. */
export function clustered(given: {
  readonly count: number;
  readonly dimension: number;
  readonly clusters: number;
  readonly seed?: number;
}): Float32Array {
  const { count, dimension, clusters, seed = 1 } = given;
  const middles = noise(clusters * dimension, 17);
  const rows = noise(count * dimension, seed);
  for (let row = 0; row < count; row += 1) {
    const middle = (Math.imul(row, 0x9e3779b1) >>> 0) % clusters;
    let square = 0;
    for (let i = 0; i < dimension; i += 1) {
      rows[row * dimension + i]! *= 0.7;
      rows[row * dimension + i]! += middles[middle * dimension + i]!;
      square += rows[row * dimension + i]! ** 2;
    }
    for (let i = 0; i < dimension; i += 1) rows[row * dimension + i]! /= Math.sqrt(square);
  }
  return rows;
}

export const plan = (given: Partial<DensePlan>): DensePlan => ({
  type: 'IVFFlat',
  nlist: 16,
  nprobe: 4,
  trainingRows: 1024,
  iterations: 4,
  pq: null,
  efConstruction: null,
  efSearch: null,
  rerank: 0,
  memoryBytes: 0,
  diskBytes: 0,
  buildMemoryBytes: 0,
  reason: '',
  ...given,
});

/** Writes the rows as `vectors.faiss` in the folder and builds `dense.faiss` beside it. */
export async function buildIn(
  folder: string,
  given: {
    readonly rows: Float32Array;
    readonly dimension: number;
    readonly plan: DensePlan;
    readonly threads?: number;
  },
): Promise<{ readonly vectors: string; readonly target: string }> {
  const [vectors, target] = [path.join(folder, 'vectors.faiss'), path.join(folder, 'dense.faiss')];
  await rm(target, { force: true });
  await writeFlat(vectors, given.dimension, given.rows);
  await buildDense({ vectors, target, plan: given.plan, threads: given.threads ?? 1 });
  return { vectors, target };
}
