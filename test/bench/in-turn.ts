import type { DenseIndex } from '../../src/search/vectors/dense.ts';

/** Milliseconds of the search for the best ten of each query, one after the other. */
export async function searchInTurn(index: DenseIndex, queries: Float32Array): Promise<number[]> {
  const times: number[] = [];
  const { dimension } = index;
  for (let at = 0; at < queries.length; at += dimension) {
    const start = performance.now();
    await index.search(queries.subarray(at, at + dimension), 10);
    times.push(performance.now() - start);
  }
  return times;
}
