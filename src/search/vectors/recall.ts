import { availableParallelism } from 'node:os';
import type { DenseHits, DenseIndex } from './dense.ts';
import type { ExactScan } from './exact-scan.ts';
import { readFlatHeader } from './faiss-header.ts';
import { openInThreads } from './thread.ts';
import { mergeHits } from './top-k.ts';

/** The true best rows of some queries. */
export interface Truth {
  /** One after the other. */
  readonly queries: Float32Array;
  readonly dimension: number;
  readonly k: number;
  readonly best: readonly DenseHits[];
}

/** Sums in another order differ by so much; a row so near to the last of the best is as good. */
const SAME_SCORE = 1e-5;

/** Reads the whole flat file once, for all queries at once; memory does not grow with the file. */
export async function findExactly(exactFile: string, queries: Float32Array, k: number): Promise<Truth> {
  const header = await readFlatHeader(exactFile);
  const { dimension, count } = header;
  const parts = Math.min(4, availableParallelism());
  const data = Array.from({ length: parts }, () => ({ header, queries, k }));
  const threads = await openInThreads<Pick<ExactScan, 'from' | 'to'>, DenseHits[]>('exact-worker', data);
  try {
    const found = await Promise.all(
      threads.map((thread, part) => {
        const from = Math.floor((part * count) / parts);
        return thread.ask({ from, to: Math.floor(((part + 1) * count) / parts) });
      }),
    );
    const best = found[0]!.map((_, query) =>
      mergeHits(
        found.map((hits) => hits[query]!),
        k,
      ),
    );
    return { queries, dimension, k, best };
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
}

/** Share of the true best rows, of all queries together, that the index finds; 1 where there are none. */
export async function recallOf(index: DenseIndex, { queries, dimension, k, best }: Truth): Promise<number> {
  let [found, due] = [0, 0];
  for (const [at, { scores }] of best.entries()) {
    const query = queries.subarray(at * dimension, (at + 1) * dimension);
    const { rows } = await index.search(query, k);
    const last = scores.at(-1) ?? -Infinity;
    const exact = await index.score(query, rows);
    due += scores.length;
    found += exact.filter((score) => score >= last - SAME_SCORE).length;
  }
  return due === 0 ? 1 : Math.min(1, found / due);
}

/** Recall@`k` of the index against every row of the flat file `exactFile`; `queries` one after the other. */
export async function measureRecall(
  index: DenseIndex,
  exactFile: string,
  queries: Float32Array,
  k: number,
): Promise<number> {
  return recallOf(index, await findExactly(exactFile, queries, k));
}
