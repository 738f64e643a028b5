import type { FlatHeader } from './faiss-header.ts';
import { strideOf } from './flat-rows.ts';
import { type Codebook, nearestScratch } from './nearest.ts';
import { createSharedMemory, type KernelMemory } from './wasm.ts';

/** What the threads of one build share: a memory with its places, and arrays. */
export interface Workshop {
  readonly memory: KernelMemory;
  readonly header: FlatHeader;
  readonly book: Codebook;
  /** Rows the lists are learnt from, one after the other from here. */
  readonly sampleAt: number;
  readonly sampleRows: number;
  /** Scratch of each thread; the last one is the main thread's. */
  readonly scratchAt: readonly number[];
  /** Centroid of each sample row, -1 for a row of zeros. */
  readonly nearest: Int32Array;
  /** Sample rows ordered by centroid, and where those of each centroid begin. */
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  /** List of each row of the file, then its place among all rows in the order of the lists. */
  readonly lists: Int32Array;
  readonly places: Uint32Array;
  /** Shared room for the codebook of a product quantiser. */
  readonly segmentBook: Float32Array;
}

/** Rows a thread looks at in one go. */
export const BLOCK_ROWS = 2048;
/** Sample rows that a segment of a product quantiser is learnt from, at most. */
export const SEGMENT_SAMPLE = 65_536;

export interface WorkshopSize {
  readonly header: FlatHeader;
  readonly nlist: number;
  readonly sampleRows: number;
  readonly threads: number;
  readonly segments: number;
}

/** Bytes of a segment in memory. */
export function segmentStride(dimension: number, segments: number): number {
  return Math.ceil(dimension / segments / 4) * 16;
}

/** Groups that keep the work of finding a centroid least, and how many to look into. */
function grouping(nlist: number): { readonly groups: number; readonly probes: number } {
  if (nlist <= 128) return { groups: 1, probes: 1 };
  const groups = Math.round(Math.sqrt(nlist) * 1.5);
  return { groups, probes: Math.max(16, Math.round(groups / 6)) };
}

/** Lays out and takes the memory of a build. */
export function createWorkshop({ header, nlist, sampleRows, threads, segments }: WorkshopSize): Workshop {
  const stride = strideOf(header.dimension);
  const { groups, probes } = grouping(nlist);
  let end = 0;
  const take = (bytes: number) => {
    const start = end;
    end += Math.ceil(bytes / 64) * 64;
    return start;
  };
  const [centroidsAt, biasAt] = [take((nlist + 1) * stride), take(4 * (nlist + 2))];
  const [groupsAt, groupBiasAt] = [take((groups + 1) * stride), take(4 * (groups + 2))];
  const scratch = scratchBytes({ stride, groups, dimension: header.dimension, sampleRows, segments });
  const scratchAt = Array.from({ length: threads + 1 }, (_, thread) => take(thread < threads ? scratch : 64));
  const sampleAt = take(sampleRows * stride);
  const memory = createSharedMemory(end);
  new Float32Array(memory.buffer, biasAt, nlist + 2).fill(-Infinity, nlist);
  const groupStarts = new Uint32Array(new SharedArrayBuffer(4 * (groups + 1)));
  groupStarts[groups] = nlist;
  return {
    memory,
    header,
    book: {
      stride,
      centroids: nlist,
      groups,
      probes,
      centroidsAt,
      biasAt,
      groupsAt,
      groupBiasAt,
      groupStarts,
    },
    sampleAt,
    sampleRows,
    scratchAt,
    nearest: new Int32Array(new SharedArrayBuffer(4 * sampleRows)),
    order: new Uint32Array(new SharedArrayBuffer(4 * sampleRows)),
    starts: new Uint32Array(new SharedArrayBuffer(4 * (nlist + 1))),
    lists: new Int32Array(new SharedArrayBuffer(4 * header.count)),
    places: new Uint32Array(new SharedArrayBuffer(4 * header.count)),
    segmentBook: new Float32Array(new SharedArrayBuffer(segments === 0 ? 0 : 1024 * header.dimension)),
  };
}

interface ScratchSize {
  readonly stride: number;
  readonly groups: number;
  readonly dimension: number;
  readonly sampleRows: number;
  readonly segments: number;
}

/** A block of rows and what finding their centroids needs; or one segment of the sample and its codebook. */
function scratchBytes({ stride, groups, dimension, sampleRows, segments }: ScratchSize): number {
  const rows = BLOCK_ROWS * stride + nearestScratch(groups);
  if (segments === 0) return rows;
  const width = segmentStride(dimension, segments);
  const learning = (Math.min(sampleRows, SEGMENT_SAMPLE) + 256) * width + 2048;
  const encoding = rows + 4 * segments * width + segments * (256 * width + 1024) + 256;
  return Math.max(learning, encoding);
}
