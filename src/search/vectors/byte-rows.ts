import { strideOf } from './flat-rows.ts';
import { createRowEncoder, type RowEncoder } from './kernel-encode.ts';
import type { Steps } from './steps.ts';
import { createMemory, type KernelMemory } from './wasm.ts';

/**
 * Rows as signed bytes, and what that loses of each: value `i` of a row is its byte times `spread[i]` times the
 * row's `scale`, but for an error that is known as a length.
 */
export interface ByteRows {
  readonly memory: KernelMemory;
  readonly count: number;
  /** Bytes from one row to the next; whole steps of the kernel. */
  readonly stride: number;
  readonly codesAt: number;
  /** How far each dimension usually is from zero. */
  readonly spread: Float32Array;
  /** What is known of the rows, in groups of four: see `factAt`. */
  readonly factsAt: number;
  readonly facts: Float32Array;
  /** The same memory, for the sums. */
  readonly whole: Int32Array;
}

/**
 * Of each row: its scale; MIDDLE times the sum of its bytes, a whole number; the length of its bytes as a vector, times
 * its scale; the length of its error, with room for what sums of float32 round, infinite for a row that has no bytes.
 */
const factNames = ['scale', 'sum', 'length', 'loss'] as const;

/** Where a fact of a row is among the facts. */
export function factAt(row: number, fact: (typeof factNames)[number]): number {
  return (row >> 2) * 16 + factNames.indexOf(fact) * 4 + (row & 3);
}

/** Bytes a row takes in memory. */
export function byteRowSize(dimension: number): number {
  return byteStrideOf(dimension) + 16;
}

/** Bytes from one row to the next. */
export function byteStrideOf(dimension: number): number {
  return Math.ceil(dimension / 64) * 64;
}

/** Where rows come from. */
export interface RowSource {
  readonly dimension: number;
  readonly count: number;
  /** Copies `count` rows from row `first` on; each takes `strideOf(dimension)` bytes. */
  read(first: number, count: number, into: Uint8Array): void;
}

/** Rows read in one go. */
const BLOCK = 256;
/** Rows that the spread is taken from, at most. */
const SAMPLE = 2048;
/** Rows here and there that are read in one go: a disk may have to look for each. */
const SCATTERED = 16;
const LARGEST = 127;
/** Below it float32 is too coarse for a byte to be what it should. */
const LEAST_SCALE = 2 ** -100;
/** What the kernel takes a query's zero for. */
export const MIDDLE = 64;
/** A kernel reads up to three rows after the last. */
const SPARE_ROWS = 4;

/** Makes bytes of all rows, reading each once and some twice; `scratch` bytes at 0 of the memory are kept free. */
export function* toByteRows(source: RowSource, scratch: number): Steps<ByteRows> {
  const { dimension, count } = source;
  const stride = byteStrideOf(dimension);
  const codesAt = Math.ceil(scratch / 64) * 64;
  const groups = Math.ceil(count / 4);
  const factsAt = codesAt + (count + SPARE_ROWS) * stride;
  const memory = createMemory(factsAt + 64 * groups);
  const rows: ByteRows = {
    memory,
    count,
    stride,
    codesAt,
    spread: yield* spreadOf(source),
    factsAt,
    facts: new Float32Array(memory.buffer, factsAt, 16 * groups),
    whole: new Int32Array(memory.buffer, factsAt, 16 * groups),
  };
  const codes = new Int8Array(memory.buffer, codesAt);
  const encoder = createRowEncoder(rows.spread, BLOCK);
  for (let first = 0; first < count; first += BLOCK) {
    const size = Math.min(BLOCK, count - first);
    source.read(first, size, encoder.room);
    for (let at = 0; at < size; at += 1) {
      const row = first + at;
      const into = codes.subarray(row * stride, row * stride + dimension);
      const encoded = encodeFast(encoder, at, into) ?? encodeRow(encoder, at, { spread: rows.spread, into });
      if (!note(rows, row, encoded)) into.fill(0);
    }
    yield;
  }
  return rows;
}

/** What became of a row: the sums of its bytes and of their squares, and the length of what they lose, at most. */
interface Encoded {
  readonly scale: number;
  readonly sum: number;
  readonly squares: number;
  readonly bound: number;
}

/** Squares of lengths that float32 sums without losing or exceeding anything. */
const [LEAST_SQUARE, LARGEST_SQUARE] = [2 ** -60, 2 ** 100];

/** In float32, with room for what that rounds; undefined for a row that it cannot take the measure of. */
function encodeFast(encoder: RowEncoder, place: number, into: Int8Array): Encoded | undefined {
  const scale = Math.fround(encoder.most(place) / LARGEST);
  if (!(scale >= LEAST_SCALE && scale <= 1 / LEAST_SCALE)) return undefined;
  const { sum, squares, loss, length } = encoder.encode(place, scale, into);
  if (!(length >= LEAST_SQUARE && length <= LARGEST_SQUARE)) return undefined;
  // A sum in four lanes is off by a quarter of its terms at most, in steps of 2^-24; each error by 2^-22 of its value.
  const rounding = 1 + (into.length + 4) * 2 ** -24;
  const bound = rounding * (Math.sqrt(loss) + (roundingOf(into.length) + 2 ** -21) * Math.sqrt(length));
  return { scale, sum, squares: squares * rounding ** 2, bound };
}

interface Encoding {
  readonly spread: Float32Array;
  readonly into: Int8Array;
}

/** In double precision, whatever the row. */
function encodeRow({ room }: RowEncoder, place: number, { spread, into }: Encoding): Encoded {
  const stride = strideOf(spread.length);
  const values = new Float32Array(room.buffer, room.byteOffset + place * stride, spread.length);
  let most = 0;
  for (let i = 0; i < values.length; i += 1) {
    const wide = Math.abs(values[i]! / spread[i]!);
    if (wide > most) most = wide;
  }
  const scale = Math.fround(most / LARGEST);
  const steps = scale === 0 ? 0 : 1 / scale;
  let sum = 0;
  let squares = 0;
  let loss = 0;
  let length = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!;
    // Whichever whole number that a byte holds would do: what it loses is known.
    const code = Math.floor((value / spread[i]!) * steps + 0.5);
    into[i] = code;
    sum += code;
    squares += code * code;
    const lost = value - code * (spread[i]! * scale);
    loss += lost * lost;
    length += value * value;
  }
  const bound = Math.sqrt(loss) + roundingOf(values.length) * Math.sqrt(length);
  return { scale, sum, squares, bound };
}

/** Notes what is known of a row; false for one with a number that is none, or too large or too small to square: it is always looked at. */
function note({ facts, whole }: ByteRows, row: number, { scale, sum, squares, bound }: Encoded): boolean {
  const usable = Number.isFinite(bound) && Number.isFinite(scale) && (scale >= LEAST_SCALE || bound === 0);
  facts[factAt(row, 'scale')] = usable ? scale : 0;
  whole[factAt(row, 'sum')] = usable ? MIDDLE * sum : 0;
  facts[factAt(row, 'length')] = usable ? roundedUp(Math.sqrt(squares) * scale) : 0;
  facts[factAt(row, 'loss')] = usable ? roundedUp(bound) : Infinity;
  return usable;
}

/** Of the lengths of both vectors: sums of float32 in four lanes are off by less, and so is the kernel of the bounds. */
function roundingOf(dimension: number): number {
  return (dimension / 2 + 64) * 2 ** -24;
}

function roundedUp(value: number): number {
  return value * (1 + 2 ** -22);
}

/** Root mean square of each dimension over rows evenly spaced, and never near zero. */
function* spreadOf(source: RowSource): Steps<Float32Array> {
  const { dimension, count } = source;
  const squares = new Float64Array(dimension);
  const one = new Float32Array(strideOf(dimension) / 4);
  const sample = Math.min(SAMPLE, count);
  for (let at = 0; at < sample; at += 1) {
    source.read(Math.floor((at * count) / sample), 1, new Uint8Array(one.buffer));
    for (let i = 0; i < dimension; i += 1) if (Number.isFinite(one[i]!)) squares[i]! += one[i]! ** 2;
    if (at % SCATTERED === SCATTERED - 1) yield;
  }
  const mean = squares.reduce((sum, square) => sum + square, 0) / dimension / Math.max(1, sample);
  const least = Math.sqrt(mean) / 4;
  const usable = Number.isFinite(least) && least > 1e-30;
  return Float32Array.from(squares, (square) => (usable ? Math.max(least, Math.sqrt(square / sample)) : 1));
}
