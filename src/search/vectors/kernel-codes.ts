import { type DotKernel, sumAcross } from './kernel.ts';
import { add, constant, get, instantiate, type KernelMemory, load, op, repeatIfLess, set } from './wasm.ts';

/**
 * Inner products of whole numbers: rows of int8 by a query of bytes 0 to 127, giving int32. Exact, whatever the
 * machine: in that range the relaxed instruction leaves nothing open.
 */
export function createCodeKernel(memory: KernelMemory): DotKernel {
  const dots = { name: 'dots', parameters: 5, integers: 2, vectors: 8, body: loops() };
  return (instantiate(memory, [dots]) as { readonly dots: DotKernel }).dots;
}

// Locals: five parameters, then our own.
const [query, rows, out, groups, stride] = [0, 1, 2, 3, 4];
const [cursor, queryEnd] = [5, 6];
const totals = [7, 8, 9, 10] as const;
const sums = [11, 12, 13, 14] as const;

/**
 * for each group { for each of four rows { sum over the row, 64 bytes a step }; store the four }. One row after
 * the other: short rows read side by side were half as fast, because the processor does not foresee them.
 */
function loops(): number[] {
  return [
    ...op.loop,
    ...totals.flatMap(sumRow),
    ...get(out),
    ...sumAcross(totals.map(get), op.i32x4Add),
    ...op.v128Store,
    0,
    ...set(out, add(get(out), constant(16))),
    ...set(groups, [...get(groups), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(groups)),
    ...op.end,
  ];
}

/** `rows` ends at the next row. */
function sumRow(total: number): number[] {
  const [a, b, c, d] = sums;
  const pairs = [...get(a), ...get(b), ...op.i32x4Add, ...get(c), ...get(d), ...op.i32x4Add];
  return [
    ...set(cursor, get(query)),
    ...set(queryEnd, add(get(query), get(stride))),
    ...sums.flatMap((sum) => set(sum, op.v128Zero)),
    ...op.loop,
    ...sums.flatMap((sum, at) =>
      set(sum, [...load(rows, 16 * at), ...load(cursor, 16 * at), ...get(sum), ...op.i32x4RelaxedDotAdd]),
    ),
    ...set(rows, add(get(rows), constant(64))),
    ...set(cursor, add(get(cursor), constant(64))),
    ...repeatIfLess(get(cursor), get(queryEnd)),
    ...op.end,
    ...set(total, [...pairs, ...op.i32x4Add]),
  ];
}
