import type { DenseHits } from './dense.ts';
import type { FlatHeader } from './faiss-header.ts';
import { openRows, strideOf } from './flat-rows.ts';
import { createDotKernel } from './kernel.ts';
import { createMemory } from './wasm.ts';
import { createTopK } from './top-k.ts';

/** Rows [`start`, `end`) of a flat index, held in memory and searched on the calling thread. */
export interface Shard {
  /** Best `k` of the shard's rows; row numbers are the index's. `allowed` has one byte a row of the shard. */
  search(query: Float32Array, k: number, allowed?: Uint8Array): DenseHits;
  /** Inner products with the given rows (numbers of the index, all within the shard). */
  score(query: Float32Array, rows: readonly number[]): Float32Array;
}

export interface ShardRange {
  readonly header: FlatHeader;
  readonly start: number;
  readonly end: number;
}

/** Largest part of an index one WebAssembly memory takes (it addresses 4 GiB). */
export const MAX_SHARD_BYTES = 3 * 2 ** 30;

const GROUP = 4;
const BLOCK = 1024;

/** Reads the rows from disk; INDEX_INVALID when the file ends before them. */
export function loadShard({ header, start, end }: ShardRange): Shard {
  const stride = strideOf(header.dimension);
  const count = end - start;
  const scoresAt = stride;
  const dataAt = scoresAt + BLOCK * 4;
  const groupsHeld = Math.ceil(count / GROUP);
  const memory = createMemory(dataAt + groupsHeld * GROUP * stride);
  const queryView = new Float32Array(memory.buffer, 0, stride / 4);
  const scores = new Float32Array(memory.buffer, scoresAt, BLOCK);
  const file = openRows(header);
  try {
    file.read(start, count, new Uint8Array(memory.buffer, dataAt));
  } finally {
    file.close();
  }
  const dots = createDotKernel(memory);

  return {
    search(query, k, allowed) {
      queryView.set(query);
      const best = createTopK(k);
      for (let first = 0; first < count; first += BLOCK) {
        const size = Math.min(BLOCK, count - first);
        if (allowed && !hasAny(allowed, first, size)) continue;
        dots(0, dataAt + first * stride, scoresAt, Math.ceil(size / GROUP), stride);
        let threshold = best.threshold();
        for (let at = 0; at < size; at += 1) {
          const score = scores[at]!;
          if (score < threshold || (allowed && allowed[first + at] === 0)) continue;
          best.offer(start + first + at, score);
          threshold = best.threshold();
        }
      }
      return best.hits();
    },
    score(query, rows) {
      queryView.set(query);
      return Float32Array.from(rows, (row) => {
        const group = Math.floor((row - start) / GROUP);
        dots(0, dataAt + group * GROUP * stride, scoresAt, 1, stride);
        return scores[(row - start) % GROUP]!;
      });
    },
  };
}

function hasAny(allowed: Uint8Array, first: number, size: number): boolean {
  for (let at = first; at < first + size; at += 1) if (allowed[at] !== 0) return true;
  return false;
}
