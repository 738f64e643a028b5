import { sumAcross } from './kernel.ts';
import { add, constant, get, instantiate, type KernelMemory, load, op, repeatIfLess, set } from './wasm.ts';

/**
 * Scores of rows of signed bytes by a query of bytes 0 to 127: (their product - sum) x step + offset, a float32 for
 * each row, in groups of four. `sums` has an int32 for each row, `terms` step and offset four times each. Places are in
 * bytes, all but `sums` 16-byte aligned; `stride` is a multiple of 64. The products are exact, whatever the machine.
 */
export type CodeKernel = (
  query: number,
  rows: number,
  sums: number,
  terms: number,
  out: number,
  groups: number,
  stride: number,
) => void;

export function createCodeKernel(memory: KernelMemory): CodeKernel {
  const scores = { name: 'scores', parameters: 7, integers: 2, vectors: 12, body: loops() };
  return (instantiate(memory, [scores]) as { readonly scores: CodeKernel }).scores;
}

// Locals: seven parameters, then our own.
const [query, rows, sums, terms, out, groups, stride] = [0, 1, 2, 3, 4, 5, 6];
const [cursor, queryEnd] = [7, 8];
const totals = [9, 10, 11, 12] as const;
const [ones, score, step] = [17, 18, 19];
const row = { query, rows, stride, cursor, queryEnd, ones, parts: [13, 14, 15, 16] } as const;
const offset = 20;

function loops(): number[] {
  return [
    ...set(ones, [...constant(1), ...op.i16x8Splat]),
    ...set(step, load(terms, 0)),
    ...set(offset, load(terms, 16)),
    ...op.loop,
    ...totals.flatMap((total) => sumRow(row, total)),
    ...set(score, [...sumAcross(totals.map(get), op.i32x4Add), ...load(sums, 0), ...op.i32x4Sub]),
    ...get(out),
    ...get(score),
    ...op.f32x4Convert,
    ...get(step),
    ...op.f32x4Multiply,
    ...get(offset),
    ...op.f32x4Add,
    ...op.v128Store,
    0,
    ...set(sums, add(get(sums), constant(16))),
    ...set(out, add(get(out), constant(16))),
    ...set(groups, [...get(groups), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(groups)),
    ...op.end,
  ];
}

/** Numbers of locals: where the query and the rows are, and what summing needs. */
export interface RowLocals {
  readonly query: number;
  /** Ends at the next row. */
  readonly rows: number;
  readonly stride: number;
  readonly cursor: number;
  readonly queryEnd: number;
  /** Eight times one. */
  readonly ones: number;
  readonly parts: readonly [number, number, number, number];
}

/**
 * The product of a row with the query, 64 bytes a step, four sums to be added. One row after the other: short rows read
 * side by side were half as fast, because the processor does not foresee them. Two instructions instead of the one that
 * multiplies and adds: where the processor lacks that, V8 makes the vector of ones anew for each.
 */
export function sumRow(
  { query, rows, stride, cursor, queryEnd, ones, parts }: RowLocals,
  total: number,
): number[] {
  const [a, b, c, d] = parts;
  const pairs = [...get(a), ...get(b), ...op.i32x4Add, ...get(c), ...get(d), ...op.i32x4Add];
  return [
    ...set(cursor, get(query)),
    ...set(queryEnd, add(get(query), get(stride))),
    ...parts.flatMap((part) => set(part, op.v128Zero)),
    ...op.loop,
    ...parts.flatMap((part, at) => {
      const products = [...load(rows, 16 * at), ...load(cursor, 16 * at), ...op.i16x8RelaxedDot];
      return set(part, [...products, ...get(ones), ...op.i32x4Dot, ...get(part), ...op.i32x4Add]);
    }),
    ...set(rows, add(get(rows), constant(64))),
    ...set(cursor, add(get(cursor), constant(64))),
    ...repeatIfLess(get(cursor), get(queryEnd)),
    ...op.end,
    ...set(total, [...pairs, ...op.i32x4Add]),
  ];
}
