import { type FlatRows, strideOf } from './flat-rows.ts';
import { createDotKernel } from './kernel.ts';
import type { KernelMemory } from './wasm.ts';

/** Exact scores of rows that are read from the file as they are asked for. */
export interface RowScores {
  of(query: Float32Array, rows: readonly number[]): Float32Array;
}

/** Rows scored in one go. */
const BLOCK = 64;

/** Bytes of scratch that scoring needs. */
export function rowScratch(dimension: number): number {
  return (BLOCK + 1) * strideOf(dimension) + 4 * BLOCK;
}

/** Reads from `file`, which it leaves open; uses the memory from `at` on, a multiple of 16. */
export function createRowScores(
  memory: KernelMemory,
  { dimension, at, rows: file }: { readonly dimension: number; readonly at: number; readonly rows: FlatRows },
): RowScores {
  const stride = strideOf(dimension);
  const [blockAt, outAt] = [at + stride, at + (BLOCK + 1) * stride];
  const queryRoom = new Float32Array(memory.buffer, at, stride / 4);
  const block = new Uint8Array(memory.buffer, blockAt, BLOCK * stride);
  const scores = new Float32Array(memory.buffer, outAt, BLOCK);
  const dots = createDotKernel(memory);
  return {
    of(query, rows) {
      queryRoom.set(query);
      const found = new Float32Array(rows.length);
      for (let first = 0; first < rows.length; first += BLOCK) {
        const size = Math.min(BLOCK, rows.length - first);
        for (let place = 0; place < size;) {
          // Rows that follow each other are read together.
          let run = 1;
          while (place + run < size && rows[first + place + run] === rows[first + place]! + run) run += 1;
          file.read(rows[first + place]!, run, block.subarray(place * stride, (place + run) * stride));
          place += run;
        }
        dots(at, blockAt, outAt, Math.ceil(size / 4), stride);
        found.set(scores.subarray(0, size), first);
      }
      return found;
    },
  };
}
