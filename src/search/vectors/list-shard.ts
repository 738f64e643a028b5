import { closeSync, openSync } from 'node:fs';
import { invalidIndex } from './faiss-header.ts';
import { type Reading, readFully, strideOf } from './flat-rows.ts';
import { codeSizeOf, listOffsets } from './ivf-format.ts';
import type { IvfLayout } from './ivf-layout.ts';
import type { Steps } from './steps.ts';
import { createMemory, type KernelMemory } from './wasm.ts';

/** Some lists of an inverted file, in memory. */
export interface ListShard {
  readonly memory: KernelMemory;
  /** Numbers of the lists in the file, rising. */
  readonly lists: Uint32Array;
  /** First slot of each list here, and the number of slots; a slot holds one row. */
  readonly firstSlots: Uint32Array;
  /** Row (label) in each slot. */
  readonly rows: Uint32Array;
  /** Bytes from one code to the next. */
  readonly codeStride: number;
  readonly codesAt: number;
  /** Room for a whole number a slot, for codes of 8 bits. */
  readonly sumsAt: number;
  readonly centroidsAt: number;
  /** Inner product with the centroid of the list at a place in `lists`. */
  readonly centroidScore: (query: Float32Array, place: number) => number;
}

export interface ListsToLoad {
  readonly layout: IvfLayout;
  readonly lists: Uint32Array;
  /** Bytes to keep free at 0. */
  readonly scratch: number;
  /** One byte a row of the index, shared by all who load: a row that is met twice shows. */
  readonly met: Uint8Array;
}

/** Rows that the kernels may read after the last. */
const SPARE_ROWS = 4;

/** Bytes from one code to the next in memory: codes of 8 bits a dimension and vectors in whole steps of their kernels. */
export function codeStrideOf({ coding, dimension }: Pick<IvfLayout, 'coding' | 'dimension'>): number {
  if (coding.kind === 'flat') return strideOf(dimension);
  return coding.kind === 'sq8' ? Math.ceil(dimension / 64) * 64 : coding.segments;
}

/** Reads the lists into memory; INDEX_INVALID for labels that are no row numbers. */
export function* loadLists({ layout, lists, scratch, met }: ListsToLoad): Steps<ListShard> {
  const { sizes, dimension, centroids, coding } = layout;
  const codeSize = codeSizeOf(coding, dimension);
  const codeStride = codeStrideOf(layout);
  const centroidStride = strideOf(dimension);
  const firstSlots = new Uint32Array(lists.length + 1);
  for (const [at, list] of lists.entries()) firstSlots[at + 1] = firstSlots[at]! + sizes[list]!;
  const slots = firstSlots.at(-1)!;
  const centroidsAt = Math.ceil(scratch / 64) * 64;
  const codesAt = centroidsAt + (lists.length + SPARE_ROWS) * centroidStride;
  const sumsAt = Math.ceil((codesAt + (slots + SPARE_ROWS) * codeStride) / 16) * 16;
  const memory = createMemory(sumsAt + (coding.kind === 'sq8' ? 4 * (slots + SPARE_ROWS) : 0));
  const bytes = new Uint8Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  const rows = new Uint32Array(slots);
  const offsets = listOffsets(sizes, codeSize);

  const file = openSync(layout.path, 'r');
  try {
    for (const [at, list] of lists.entries()) {
      const centroid = centroids.subarray(list * dimension, (list + 1) * dimension);
      floats.set(centroid, (centroidsAt + at * centroidStride) / 4);
      const size = sizes[list]!;
      if (size === 0) continue;
      const position = layout.listsAt + offsets[list]!;
      const into = codesAt + firstSlots[at]! * codeStride;
      yield* readCodes({ file, path: layout.path, position, size, codeSize, codeStride, bytes, into });
      const ids = new BigUint64Array(size);
      const target = new Uint8Array(ids.buffer);
      yield* readInSteps({ file, path: layout.path, into: target, position: position + size * codeSize });
      yield* takeIds(rows.subarray(firstSlots[at], firstSlots[at]! + size), { ids, met, path: layout.path });
    }
  } finally {
    closeSync(file);
  }
  const centroidScore = (query: Float32Array, place: number) => {
    const start = (centroidsAt + place * centroidStride) / 4;
    return query.reduce((sum, value, at) => sum + value * floats[start + at]!, 0);
  };
  return { memory, lists, firstSlots, rows, codeStride, codesAt, sumsAt, centroidsAt, centroidScore };
}

interface CodesToRead {
  readonly file: number;
  readonly path: string;
  readonly position: number;
  readonly size: number;
  readonly codeSize: number;
  readonly codeStride: number;
  readonly bytes: Uint8Array;
  readonly into: number;
}

/** Bytes read in one step, and rows gone through: about a millisecond. */
const STEP = 2 ** 21;
const ROWS_A_STEP = 4096;

function* readInSteps({ file, path, into, position }: Reading): Steps<void> {
  for (let done = 0; done < into.length; done += STEP) {
    readFully({ file, path, into: into.subarray(done, done + STEP), position: position + done });
    yield;
  }
}

function* readCodes({
  file,
  path,
  position,
  size,
  codeSize,
  codeStride,
  bytes,
  into,
}: CodesToRead): Steps<void> {
  const packed = bytes.subarray(into, into + size * codeSize);
  yield* readInSteps({ file, path, into: packed, position });
  if (codeStride === codeSize) return;
  // Spread them in place, the last first.
  for (let row = size - 1; row >= 0; row -= 1) {
    const to = into + row * codeStride;
    bytes.copyWithin(to, into + row * codeSize, into + (row + 1) * codeSize);
    bytes.fill(0, to + codeSize, to + codeStride);
    if (row % ROWS_A_STEP === 0) yield;
  }
}

function* takeIds(
  into: Uint32Array,
  { ids, met, path }: { readonly ids: BigUint64Array; readonly met: Uint8Array; readonly path: string },
): Steps<void> {
  const count = BigInt(met.length);
  for (const [at, id] of ids.entries()) {
    if (id >= count) throw invalidIndex(path, `a list of it has row ${id} of ${count}`);
    const row = Number(id);
    if (Atomics.exchange(met, row, 1) !== 0) throw invalidIndex(path, `its lists have row ${row} twice`);
    into[at] = row;
    if (at % ROWS_A_STEP === ROWS_A_STEP - 1) yield;
  }
}
