import { closeSync, openSync, writeSync } from 'node:fs';
import { createBlockCoder } from './block-coder.ts';
import type { BuildTask, ListFile } from './build-task.ts';
import type { FlatRows } from './flat-rows.ts';
import { codeSizeOf, ID_BYTES } from './ivf-format.ts';
import type { MatrixKernels } from './kernel-matrix.ts';
import { BLOCK_ROWS, type Workshop } from './workshop.ts';

interface Tools {
  readonly rows: FlatRows;
  readonly kernels: MatrixKernels;
  /** Scratch: a block of rows, then what the coder needs. */
  readonly blockAt: number;
}

/** Encodes a range of rows and writes each where its list has a place for it. */
export function createEncoder(
  shop: Workshop,
  { rows, kernels, blockAt }: Tools,
): (task: Extract<BuildTask, { kind: 'write' }>) => void {
  const { memory, header, book, lists, places } = shop;
  const { stride } = book;
  return ({ from, to, into }) => {
    const codeSize = codeSizeOf(into.coding, header.dimension);
    const codeBlock = createBlockCoder(shop, { coding: into.coding, kernels, blockAt });
    const order = Uint32Array.from({ length: to - from }, (_, at) => from + at);
    order.sort((a, b) => places[a]! - places[b]!);
    const starts = new Uint32Array(to - from);
    for (const [at, row] of order.entries()) starts[row - from] = at * codeSize;

    const codes = new Uint8Array((to - from) * codeSize);
    const block = new Uint8Array(memory.buffer, blockAt, BLOCK_ROWS * stride);
    for (let first = from; first < to; first += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, to - first);
      rows.read(first, count, block);
      codeBlock({
        lists: lists.subarray(first, first + count),
        starts: starts.subarray(first - from, first - from + count),
        codes,
      });
    }
    writeRuns(shop, { codes, order, codeSize, into });
  };
}

interface Runs {
  readonly codes: Uint8Array;
  readonly order: Uint32Array;
  readonly codeSize: number;
  readonly into: ListFile;
}

/** Rows of one list stand together in the order, and together in the file: one write for each run. */
function writeRuns({ lists, places }: Workshop, { codes, order, codeSize, into }: Runs): void {
  const file = openSync(into.path, 'r+');
  try {
    for (let first = 0; first < order.length;) {
      const list = lists[order[first]!]!;
      let end = first + 1;
      while (end < order.length && lists[order[end]!] === list) end += 1;
      const before = into.firstPlaces[list]!;
      const position = before * (codeSize + ID_BYTES) + (places[order[first]!]! - before) * codeSize;
      writeFully(file, codes.subarray(first * codeSize, end * codeSize), into.listsAt + position);
      first = end;
    }
  } finally {
    closeSync(file);
  }
}

function writeFully(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
