import { type ByteQuestion, createByteScan } from './byte-scan.ts';
import type { DenseHits } from './dense.ts';
import type { FlatHeader } from './faiss-header.ts';
import { openRows } from './flat-rows.ts';
import { createRowScores, rowScratch } from './row-scores.ts';
import type { Steps } from './steps.ts';
import { createTopK } from './top-k.ts';

/** Rows [`start`, `end`) of a flat index, searched on the calling thread: bytes in memory, the rows themselves in the file. */
export interface Shard {
  /** Best `k` of the shard's rows for each of the questions, together; row numbers are the index's, `allowed` has a byte a row of the shard. */
  search(questions: readonly ByteQuestion[]): DenseHits[];
  /** Inner products with the given rows (numbers of the index, all within the shard). */
  score(query: Float32Array, rows: readonly number[]): Float32Array;
  close(): void;
}

export interface ShardRange {
  readonly header: FlatHeader;
  readonly start: number;
  readonly end: number;
}

/** Largest part of an index one WebAssembly memory takes (it addresses 4 GiB). */
export const MAX_SHARD_BYTES = 3 * 2 ** 30;

/** Reads the rows from disk; INDEX_INVALID when the file ends before them. */
export function* loadShard({ header, start, end }: ShardRange): Steps<Shard> {
  const { dimension } = header;
  const rows = openRows(header);
  const source = {
    dimension,
    count: end - start,
    read: (first: number, count: number, into: Uint8Array) => rows.read(start + first, count, into),
  };
  try {
    const scan = yield* createByteScan(source, rowScratch(dimension));
    const exact = createRowScores(scan.memory, { dimension, at: scan.roomAt, rows });
    return {
      search(questions) {
        const near = scan.near(questions);
        return questions.map(({ query, k }, at) => {
          const kept = near[at]!.map((row) => start + row);
          const scores = exact.of(query, kept);
          const best = createTopK(k);
          for (const [place, row] of kept.entries()) best.offer(row, scores[place]!);
          return best.hits();
        });
      },
      score: (query, asked) => exact.of(query, asked),
      close: () => rows.close(),
    };
  } catch (error) {
    rows.close();
    throw error;
  }
}
