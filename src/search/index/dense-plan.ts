import { serverNames } from '../stores/vector-store.ts';
import { faissNodeInstalled } from '../vectors/faiss-node-package.ts';
import { type DensePlan, planDense } from '../vectors/plan.ts';
import type { DenseWish } from './manifest.ts';

/** The plan for a wish: where a server searches the vectors, they need only lie in a file that it is loaded from. */
export function planWish(
  wish: DenseWish,
  shape: { readonly count: number; readonly dimension: number },
): DensePlan {
  const { type, quality, nlist, memory, engine } = wish;
  const request = { ...shape, quality, faissNode: faissNodeInstalled() };
  if (engine === undefined) return planDense({ ...request, type, nlist, memoryBytes: memory });
  const plan = planDense({ ...request, type: 'Flat', memoryBytes: Number.POSITIVE_INFINITY });
  const reason = `${serverNames[engine]} searches the vectors, and is loaded from this file.`;
  return { ...plan, memoryBytes: 0, reason };
}
