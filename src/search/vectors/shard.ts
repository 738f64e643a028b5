import { closeSync, openSync, readSync } from 'node:fs';
import { PortiereError } from '../../errors.ts';
import type { DenseHits } from './dense.ts';
import { FLAT_HEADER_BYTES, type FlatHeader } from './faiss-header.ts';
import { createDotKernel, createMemory } from './kernel.ts';
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

/** Bytes a row takes in memory: whole 64-byte steps of the kernel. */
export function strideOf(dimension: number): number {
  return Math.ceil(dimension / 16) * 64;
}

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
  readRows({ header, start, count, target: new Uint8Array(memory.buffer, dataAt), stride });
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

interface RowsToRead {
  readonly header: FlatHeader;
  readonly start: number;
  readonly count: number;
  readonly target: Uint8Array;
  readonly stride: number;
}

/** Straight into place where rows need no padding, else through a buffer of some rows. */
function readRows({ header, start, count, target, stride }: RowsToRead): void {
  const rowBytes = header.dimension * 4;
  const step = Math.max(1, Math.floor((8 * 2 ** 20) / rowBytes));
  const buffer = stride === rowBytes ? undefined : new Uint8Array(step * rowBytes);
  const file = openSync(header.path, 'r');
  try {
    for (let first = 0; first < count; first += step) {
      const rows = Math.min(step, count - first);
      const position = FLAT_HEADER_BYTES + (start + first) * rowBytes;
      if (!buffer) {
        const into = target.subarray(first * stride, (first + rows) * stride);
        readFully({ file, into, position, path: header.path });
        continue;
      }
      readFully({ file, into: buffer.subarray(0, rows * rowBytes), position, path: header.path });
      for (let row = 0; row < rows; row += 1) {
        target.set(buffer.subarray(row * rowBytes, (row + 1) * rowBytes), (first + row) * stride);
      }
    }
  } finally {
    closeSync(file);
  }
}

interface Reading {
  readonly file: number;
  readonly into: Uint8Array;
  readonly position: number;
  readonly path: string;
}

function readFully({ file, into, position, path }: Reading): void {
  let done = 0;
  while (done < into.length) {
    const got = readSync(file, into, done, into.length - done, position + done);
    if (got === 0) throw new PortiereError('INDEX_INVALID', `${path} became shorter while it was read.`);
    done += got;
  }
}
