import { sumAcross } from './kernel.ts';
import {
  add,
  constant,
  get,
  instantiate,
  type KernelFunction,
  type KernelMemory,
  load,
  op,
  repeatIfLess,
  set,
} from './wasm.ts';

/**
 * Inner products of four rows (anywhere in memory) with `count` consecutive others, each plus its `bias`
 * (float32, one for each other). Places are in bytes and 16-byte aligned; `count` is even and at least 2.
 * A fused multiply-add is used where the machine has one: results are the same on one machine, whatever
 * rows share a call, and may differ in the last bit on another.
 */
export type MatrixKernel = (
  row0: number,
  row1: number,
  row2: number,
  row3: number,
  others: number,
  count: number,
  stride: number,
  bias: number,
  out: number,
) => void;

export interface MatrixKernels {
  /** Writes the largest score of each row (four float32), then which other has it (four int32, the first of equals). */
  readonly nearest: MatrixKernel;
  /** Writes four float32 for each other. `stride` of both is a multiple of 64. */
  readonly scores: MatrixKernel;
  /** `nearest` for a `stride` that is a multiple of 16. */
  readonly nearestShort: MatrixKernel;
  /** `scores` for a `stride` that is a multiple of 16. */
  readonly scoresShort: MatrixKernel;
}

export function createMatrixKernels(memory: KernelMemory): MatrixKernels {
  return instantiate(memory, [
    kernel('nearest', 64, true),
    kernel('scores', 64, false),
    kernel('nearestShort', 16, true),
    kernel('scoresShort', 16, false),
  ]) as MatrixKernels;
}

// Locals: nine parameters, whole numbers of our own, vectors.
const rows = [0, 1, 2, 3] as const;
const [others, count, stride, bias, out] = [4, 5, 6, 7, 8];
const cursors = [9, 10, 11, 12] as const;
const pair = [13, 14] as const;
const [end, at] = [15, 16];
const [part, firstSum, score, best, bestAt, mask] = [17, 19, 27, 28, 29, 30];

function kernel(name: string, step: 16 | 64, nearest: boolean): KernelFunction {
  const body = [
    ...set(best, [...constant(0xff800000 | 0), ...op.i32x4Splat]),
    ...op.loop,
    ...rows.flatMap((row, index) => set(cursors[index]!, get(row))),
    ...set(pair[0], get(others)),
    ...set(pair[1], add(get(others), get(stride))),
    ...set(end, add(get(rows[0]), get(stride))),
    ...Array.from({ length: 8 }, (_, sum) => set(firstSum + sum, op.v128Zero)).flat(),
    ...op.loop,
    ...[0, 16, 32, 48].filter((offset) => offset < step).flatMap(multiply),
    ...[...cursors, ...pair].flatMap((local) => set(local, add(get(local), constant(step)))),
    ...repeatIfLess(get(cursors[0]), get(end)),
    ...op.end,
    ...pair.flatMap((_, index) => [
      ...set(score, [...total(index), ...get(bias), ...op.v128LoadSplat, 4 * index, ...op.f32x4Add]),
      ...(nearest ? keepBetter(index) : [...get(out), ...get(score), ...op.v128Store, 16 * index]),
    ]),
    ...set(others, add(get(others), [...get(stride), ...constant(1), ...op.i32Shift])),
    ...set(bias, add(get(bias), constant(8))),
    ...(nearest ? [] : set(out, add(get(out), constant(32)))),
    ...set(at, add(get(at), constant(2))),
    ...repeatIfLess(get(at), get(count)),
    ...op.end,
    ...(nearest ? [...store(best, 0), ...store(bestAt, 16)] : []),
  ];
  return { name, parameters: 9, integers: 8, vectors: 14, body };
}

/** 16 bytes of four rows against the same of two others: eight independent chains. */
function multiply(offset: number): number[] {
  return [
    ...pair.flatMap((other, index) => set(part + index, load(other, offset))),
    ...cursors.flatMap((cursor, row) => [
      ...set(score, load(cursor, offset)),
      ...pair.flatMap((_, index) => {
        const sum = firstSum + 4 * index + row;
        return set(sum, [...get(score), ...get(part + index), ...get(sum), ...op.f32x4RelaxedMultiplyAdd]);
      }),
    ]),
  ];
}

function total(index: number): number[] {
  return sumAcross(
    rows.map((row) => get(firstSum + 4 * index + row)),
    op.f32x4Add,
  );
}

function keepBetter(index: number): number[] {
  const place = [...add(get(at), constant(index)), ...op.i32x4Splat];
  return [
    ...set(mask, [...get(score), ...get(best), ...op.f32x4Greater]),
    ...set(best, [...get(score), ...get(best), ...get(mask), ...op.v128Select]),
    ...set(bestAt, [...place, ...get(bestAt), ...get(mask), ...op.v128Select]),
  ];
}

function store(vector: number, offset: number): number[] {
  return [...get(out), ...get(vector), ...op.v128Store, offset];
}
