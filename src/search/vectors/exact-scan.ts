import type { DenseHits } from './dense.ts';
import type { FlatHeader } from './faiss-header.ts';
import { openRows, strideOf } from './flat-rows.ts';
import { createMatrixKernels } from './kernel-matrix.ts';
import { createTopK } from './top-k.ts';
import { createMemory } from './wasm.ts';

/** Queries, one after the other, and the part of a flat file to look for their best rows in. */
export interface ExactScan {
  readonly header: FlatHeader;
  readonly queries: Float32Array;
  readonly k: number;
  readonly from: number;
  readonly to: number;
}

/** Rows read in one go. */
const BLOCK = 512;

/** The best `k` rows of the part for every query, reading it once; memory does not grow with it. */
export function scanExactly({ header, queries, k, from, to }: ExactScan): DenseHits[] {
  const { dimension } = header;
  const stride = strideOf(dimension);
  const count = queries.length / dimension;
  const even = count + (count & 1);
  const [queriesAt, rowsAt] = [0, even * stride];
  const biasAt = rowsAt + BLOCK * stride;
  const outAt = biasAt + 4 * (even + (even % 4));
  const memory = createMemory(outAt + 16 * even);
  const room = new Float32Array(memory.buffer, queriesAt, (even * stride) / 4);
  for (let at = 0; at < count; at += 1) {
    room.set(queries.subarray(at * dimension, (at + 1) * dimension), (at * stride) / 4);
  }
  const block = new Uint8Array(memory.buffer, rowsAt, BLOCK * stride);
  const scores = new Float32Array(memory.buffer, outAt, 4 * even);
  const kernels = createMatrixKernels(memory);
  const best = Array.from({ length: count }, () => createTopK(k));
  const rows = openRows(header);
  try {
    for (let first = from; first < to; first += BLOCK) {
      const size = Math.min(BLOCK, to - first);
      rows.read(first, size, block);
      for (let four = 0; four < size; four += 4) {
        const at = (row: number) => rowsAt + Math.min(four + row, size - 1) * stride;
        kernels.scores(at(0), at(1), at(2), at(3), queriesAt, even, stride, biasAt, outAt);
        const held = Math.min(4, size - four);
        for (const [query, top] of best.entries()) {
          const threshold = top.threshold();
          for (let row = 0; row < held; row += 1) {
            const score = scores[4 * query + row]!;
            if (score >= threshold) top.offer(first + four + row, score);
          }
        }
      }
    }
  } finally {
    rows.close();
  }
  return best.map((top) => top.hits());
}
