import type { IvfCoding } from './ivf-format.ts';
import { createDotKernel } from './kernel.ts';
import { createCodeKernel } from './kernel-codes.ts';
import { createTableKernels } from './kernel-table.ts';
import type { ListShard } from './list-shard.ts';
import type { Steps } from './steps.ts';

/** Slots scored in one go. */
export const SLOTS = 1024;

/** Scores slots of a shard for the query it was last given; a slot's score lacks its list's `base`. */
export interface ListScorer {
  setQuery(query: Float32Array): void;
  /**
   * Scores of `count` (at most SLOTS) slots from `slot` on, until the next call. Exact for vectors and for
   * segments; for 8-bit codes near enough to choose by.
   */
  scores(slot: number, count: number): Float32Array;
  /** The same of one slot, as FAISS has it. */
  score(slot: number): number;
  /** Whether `scores` are what `score` gives. */
  readonly exact: boolean;
  /** Whether the score of a list's centroid counts for its rows. */
  readonly byResidual: boolean;
}

/** Bytes of scratch that scoring needs. */
export function scorerScratch(dimension: number, coding: IvfCoding): number {
  const tables = coding.kind === 'pq' ? coding.segments * 1024 : 0;
  return Math.ceil(dimension / 64) * 256 + tables + 4 * SLOTS + 32;
}

/** The scorer for the coding of the shard; uses the memory from 0 on. */
export function* createListScorer(shard: ListShard, dimension: number, coding: IvfCoding): Steps<ListScorer> {
  if (coding.kind === 'flat') return vectorScorer(shard);
  return coding.kind === 'sq8'
    ? yield* byteScorer(shard, dimension, coding)
    : segmentScorer(shard, dimension, coding);
}

function vectorScorer({ memory, codesAt, codeStride }: ListShard): ListScorer {
  const query = new Float32Array(memory.buffer, 0, codeStride / 4);
  const found = new Float32Array(memory.buffer, codeStride, SLOTS);
  const dots = createDotKernel(memory);
  const scores = (slot: number, count: number) => {
    dots(0, codesAt + slot * codeStride, codeStride, Math.ceil(count / 4), codeStride);
    return found;
  };
  return {
    setQuery: (given) => query.set(given),
    scores,
    score: (slot) => scores(slot, 1)[0]!,
    exact: true,
    byResidual: false,
  };
}

/**
 * Codes as signed bytes times the query as whole numbers 1 to 127 (it, times the ranges, plus 64): both exact
 * sums; what the rounding of the query costs, `score` or a second look at the vectors puts right.
 */
function* byteScorer(
  { memory, codesAt, codeStride, sumsAt, rows }: ListShard,
  dimension: number,
  { lowest, range, byResidual }: Extract<IvfCoding, { kind: 'sq8' }>,
): Steps<ListScorer> {
  const termsAt = codeStride;
  const outAt = termsAt + 32;
  const steps = new Uint8Array(memory.buffer, 0, codeStride);
  const terms = new Float32Array(memory.buffer, termsAt, 8);
  const found = new Float32Array(memory.buffer, outAt, SLOTS);
  const codes = new Int8Array(memory.buffer);
  const dots = createCodeKernel(memory);
  const sums = new Int32Array(memory.buffer, sumsAt, rows.length);
  for (let slot = 0; slot < rows.length; slot += 1) {
    sums[slot] = 64 * makeSigned(codesAt + slot * codeStride);
    if (slot % SLOTS === SLOTS - 1) yield;
  }
  const weights = new Float64Array(dimension);
  let [step, offset] = [0, 0];

  /** FAISS's codes are 0 to 255; the kernel takes them less 128, with zeros beyond the dimension. Gives their sum. */
  function makeSigned(start: number): number {
    let sum = 0;
    for (let at = start; at < start + dimension; at += 1) {
      codes[at]! ^= 0x80;
      sum += codes[at]!;
    }
    codes.fill(0, start + dimension, start + codeStride);
    return sum;
  }
  return {
    setQuery(query) {
      let largest = 0;
      offset = 0;
      for (let i = 0; i < dimension; i += 1) {
        const weight = (query[i]! * range[i]!) / 255;
        weights[i] = weight;
        offset += query[i]! * lowest[i]! + weight * 128.5;
        largest = Math.max(largest, Math.abs(weight));
      }
      step = largest / 63;
      steps.fill(64);
      for (let i = 0; i < dimension; i += 1) steps[i] = step === 0 ? 64 : Math.round(weights[i]! / step) + 64;
      terms.fill(step, 0, 4).fill(offset, 4);
    },
    scores(slot, count) {
      const [first, firstSum] = [codesAt + slot * codeStride, sumsAt + 4 * slot];
      dots(0, first, firstSum, termsAt, outAt, Math.ceil(count / 4), codeStride);
      return found;
    },
    score(slot) {
      const start = codesAt + slot * codeStride;
      let sum = offset;
      for (let i = 0; i < dimension; i += 1) sum += weights[i]! * codes[start + i]!;
      return sum;
    },
    exact: false,
    byResidual,
  };
}

function segmentScorer(
  { memory, codesAt, codeStride }: ListShard,
  dimension: number,
  { segments, codebook, byResidual }: Extract<IvfCoding, { kind: 'pq' }>,
): ListScorer {
  const width = dimension / segments;
  const table = new Float32Array(memory.buffer, 0, segments * 256);
  const found = new Float32Array(memory.buffer, table.byteLength, SLOTS);
  const kernels = createTableKernels(memory);
  const sum = segments % 4 === 0 ? kernels.quads : kernels.singles;
  const scores = (slot: number, count: number) => {
    sum(0, codesAt + slot * codeStride, table.byteLength, count, segments);
    return found;
  };
  return {
    setQuery(query) {
      for (let entry = 0; entry < table.length; entry += 1) {
        const from = Math.floor(entry / 256) * width;
        let dot = 0;
        for (let i = 0; i < width; i += 1) dot += query[from + i]! * codebook[entry * width + i]!;
        table[entry] = dot;
      }
    },
    scores,
    score: (slot) => scores(slot, 1)[0]!,
    exact: true,
    byResidual,
  };
}
