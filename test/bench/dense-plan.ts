import { type DensePlan, type DenseType, planDense } from '../../src/search/vectors/plan.ts';

/** The plan of an index that is measured: of the kind that is asked for, whatever memory it takes. */
export function planFor(
  type: DenseType,
  { count, dimension }: { readonly count: number; readonly dimension: number },
): DensePlan {
  return planDense({
    count,
    dimension,
    type,
    memoryBytes: 2 ** 40,
    quality: 'standard',
    faissNode: type === 'HNSW',
  });
}

/** The same kind with the same lists, as FAISS's index_factory calls it. */
export function factoryOf({ type, nlist, pq }: DensePlan): string {
  const coding = {
    Flat: 'Flat',
    IVFFlat: 'Flat',
    IVFSQ8: 'SQ8',
    IVFPQ: `PQ${pq?.segments}x8`,
    HNSW: 'HNSW32',
  }[type];
  return type.startsWith('IVF') ? `IVF${nlist},${coding}` : coding;
}
