import { strideOf } from './flat-rows.ts';
import {
  add,
  constant,
  createMemory,
  get,
  instantiate,
  type KernelMemory,
  load,
  op,
  repeatIfLess,
  set,
} from './wasm.ts';

/** The largest of |value x narrow| in each of four lanes; places are in bytes, `end` is where the values end. */
type MostKernel = (values: number, narrow: number, out: number, end: number) => void;

/**
 * Makes a byte of each value: the whole number nearest to value x narrow x steps; `terms` has scale and steps. Leaves
 * four vectors: of the bytes the sum and the sum of squares, of value - byte x spread x scale the sum of squares, and of
 * the values the sum of squares; to be added over the lanes.
 */
type BytesKernel = (
  values: number,
  narrow: number,
  spread: number,
  terms: number,
  codes: number,
  out: number,
  end: number,
) => void;

interface Kernels {
  readonly most: MostKernel;
  readonly bytes: BytesKernel;
}

/** What a row became as bytes: sums over them, and over what they lose, in float32. */
export interface RowSums {
  readonly sum: number;
  readonly squares: number;
  readonly loss: number;
  readonly length: number;
}

/** Makes bytes of rows of float32. */
export interface RowEncoder {
  /** For `rows` rows, each of `strideOf(dimension)` bytes, padded with zeros. */
  readonly room: Uint8Array;
  /** The largest value of the row in that place, each divided by its spread. */
  most(place: number): number;
  /** Writes the row's bytes, as multiples of `scale`. */
  encode(place: number, scale: number, into: Int8Array): RowSums;
}

/** For rows whose values are usually as far from zero as `spread` says. */
export function createRowEncoder(spread: Float32Array, rows: number): RowEncoder {
  const stride = strideOf(spread.length);
  const [narrowAt, spreadAt, termsAt, outAt] = [0, stride, 2 * stride, 2 * stride + 16];
  const codesAt = outAt + 64;
  const rowsAt = codesAt + stride;
  const memory = createMemory(rowsAt + rows * stride);
  const { most, bytes } = compile(memory);
  new Float32Array(memory.buffer, narrowAt, spread.length).set(spread.map((one) => 1 / one));
  new Float32Array(memory.buffer, spreadAt, spread.length).set(spread);
  const terms = new Float32Array(memory.buffer, termsAt, 2);
  const out = new Float32Array(memory.buffer, outAt, 16);
  const codes = new Int8Array(memory.buffer, codesAt, spread.length);
  const lanes = (at: number): number => out[at]! + out[at + 1]! + (out[at + 2]! + out[at + 3]!);
  return {
    room: new Uint8Array(memory.buffer, rowsAt, rows * stride),
    most(place) {
      const values = rowsAt + place * stride;
      most(values, narrowAt, outAt, values + stride);
      return Math.max(out[0]!, out[1]!, out[2]!, out[3]!);
    },
    encode(place, scale, into) {
      const values = rowsAt + place * stride;
      terms[0] = scale;
      terms[1] = 1 / scale;
      bytes(values, narrowAt, spreadAt, termsAt, codesAt, outAt, values + stride);
      into.set(codes);
      return { sum: lanes(0), squares: lanes(4), loss: lanes(8), length: lanes(12) };
    },
  };
}

function compile(memory: KernelMemory): Kernels {
  return instantiate(memory, [
    { name: 'most', parameters: 4, integers: 0, vectors: 1, body: mostBody() },
    { name: 'bytes', parameters: 7, integers: 0, vectors: 12, body: bytesBody() },
  ]) as Kernels;
}

/** Bytes of values taken in one step. */
const STEP = 64;
const places = [0, 16, 32, 48] as const;

function mostBody(): number[] {
  const [values, narrow, out, end, most] = [0, 1, 2, 3, 4];
  return [
    ...op.loop,
    ...places.flatMap((at) =>
      set(most, [
        ...get(most),
        ...load(values, at),
        ...load(narrow, at),
        ...op.f32x4Multiply,
        ...op.f32x4Abs,
        ...op.f32x4Max,
      ]),
    ),
    ...forward(values, STEP),
    ...forward(narrow, STEP),
    ...repeatIfLess(get(values), get(end)),
    ...op.end,
    ...store(out, 0, get(most)),
  ];
}

function bytesBody(): number[] {
  const [values, narrow, spread, terms, codes, out, end] = [0, 1, 2, 3, 4, 5, 6];
  const [scale, steps, value, lost] = [7, 8, 9, 10];
  const made = [11, 12, 13, 14] as const;
  const sums = [15, 16, 17, 18] as const;
  const splat = (offset: number) => [...get(terms), ...op.v128LoadSplat, offset];
  const addTo = (sum: number, what: readonly number[]) => set(sum, [...get(sum), ...what, ...op.f32x4Add]);
  const squared = (local: number) => [...get(local), ...get(local), ...op.f32x4Multiply];
  const whole = (local: number) => [...get(local), ...op.i32x4TruncateSaturated];
  return [
    ...set(scale, splat(0)),
    ...set(steps, splat(4)),
    ...op.loop,
    ...places.flatMap((at, place) => {
      const code = made[place]!;
      return [
        ...set(value, load(values, at)),
        ...set(code, [
          ...get(value),
          ...load(narrow, at),
          ...op.f32x4Multiply,
          ...get(steps),
          ...op.f32x4Multiply,
          ...op.f32x4Nearest,
        ]),
        ...set(lost, [
          ...get(value),
          ...get(code),
          ...load(spread, at),
          ...get(scale),
          ...op.f32x4Multiply,
          ...op.f32x4Multiply,
          ...op.f32x4Sub,
        ]),
        ...addTo(sums[0], get(code)),
        ...addTo(sums[1], squared(code)),
        ...addTo(sums[2], squared(lost)),
        ...addTo(sums[3], squared(value)),
      ];
    }),
    ...store(codes, 0, [
      ...whole(made[0]),
      ...whole(made[1]),
      ...op.i16x8Narrow,
      ...whole(made[2]),
      ...whole(made[3]),
      ...op.i16x8Narrow,
      ...op.i8x16Narrow,
    ]),
    ...[values, narrow, spread].flatMap((pointer) => forward(pointer, STEP)),
    ...forward(codes, STEP / 4),
    ...repeatIfLess(get(values), get(end)),
    ...op.end,
    ...sums.flatMap((sum, at) => store(out, 16 * at, get(sum))),
  ];
}

function forward(pointer: number, bytes: number): number[] {
  return set(pointer, add(get(pointer), constant(bytes)));
}

function store(pointer: number, offset: number, value: readonly number[]): number[] {
  return [...get(pointer), ...value, ...op.v128Store, offset];
}
