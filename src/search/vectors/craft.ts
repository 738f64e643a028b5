import type { BuildTask } from './build-task.ts';
import { createEncoder } from './encode.ts';
import { openRows } from './flat-rows.ts';
import { createMatrixKernels } from './kernel-matrix.ts';
import { learnSegment } from './learn-segment.ts';
import { normalise } from './lloyd.ts';
import { createNearest } from './nearest.ts';
import { BLOCK_ROWS, type Workshop } from './workshop.ts';

/** What one thread of a build can do, on the memory it shares with the others. */
export interface Craft {
  work(task: BuildTask): undefined;
  close(): void;
}

export function createCraft(shop: Workshop, thread: number): Craft {
  const { memory, header, book, sampleAt } = shop;
  const { stride } = book;
  const kernels = createMatrixKernels(memory);
  const rows = openRows(header);
  const blockAt = shop.scratchAt[thread]!;
  const findAt = blockAt + BLOCK_ROWS * stride;
  const nearest = createNearest(memory, kernels, { book, scratchAt: findAt });
  const encode = createEncoder(shop, { rows, kernels, blockAt });

  const sample = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) {
      const row = sampledRow(at, shop.sampleRows, header.count);
      rows.read(row, 1, new Uint8Array(memory.buffer, sampleAt + at * stride, stride));
    }
  };
  const listsOf = (from: number, to: number) => {
    const block = new Uint8Array(memory.buffer, blockAt, BLOCK_ROWS * stride);
    for (let first = from; first < to; first += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, to - first);
      rows.read(first, count, block);
      nearest(blockAt, count, shop.lists.subarray(first, first + count));
      // Rows of zeros are near to nothing: spread, so that no list is full of them.
      for (let row = first; row < first + count; row += 1) {
        if (shop.lists[row] === -1) shop.lists[row] = row % book.centroids;
      }
    }
  };
  const nearestOf = (from: number, to: number) => {
    for (let first = from; first < to; first += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, to - first);
      nearest(sampleAt + first * stride, count, shop.nearest.subarray(first, first + count));
    }
  };
  const work = (task: BuildTask): undefined => {
    if (task.kind === 'sample') sample(task.from, task.to);
    else if (task.kind === 'nearest') nearestOf(task.from, task.to);
    else if (task.kind === 'mean') means(shop, task.from, task.to);
    else if (task.kind === 'segment') learnSegment(shop, kernels, { ...task, scratchAt: blockAt });
    else if (task.kind === 'list') listsOf(task.from, task.to);
    else encode(task);
  };
  return { work, close: () => rows.close() };
}

/** One row of each of `sampleRows` equal parts of the file, at a place in it that looks random and never changes. */
function sampledRow(at: number, sampleRows: number, count: number): number {
  const first = Math.floor((at * count) / sampleRows);
  const part = Math.floor(((at + 1) * count) / sampleRows) - first;
  let hash = Math.imul(at + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return first + (((hash ^ (hash >>> 13)) >>> 0) % Math.max(1, part));
}

/** Each centroid is added up by one thread in the order of the rows, so the sum is the same whoever does it. */
function means({ memory, book, sampleAt, order, starts }: Workshop, from: number, to: number): void {
  const width = book.stride / 4;
  const floats = new Float32Array(memory.buffer);
  const sum = new Float64Array(width);
  for (let centroid = from; centroid < to; centroid += 1) {
    const [first, end] = [starts[centroid]!, starts[centroid + 1]!];
    if (first === end) continue;
    sum.fill(0);
    for (let at = first; at < end; at += 1) {
      const start = sampleAt / 4 + order[at]! * width;
      for (let i = 0; i < width; i += 1) sum[i]! += floats[start + i]!;
    }
    const into = book.centroidsAt / 4 + centroid * width;
    for (let i = 0; i < width; i += 1) floats[into + i] = sum[i]! / (end - first);
    normalise(floats, into, width);
  }
}
