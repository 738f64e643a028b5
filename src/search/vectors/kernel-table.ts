import {
  add,
  constant,
  get,
  instantiate,
  type KernelFunction,
  type KernelMemory,
  leb,
  op,
  repeatIfLess,
  set,
} from './wasm.ts';

/**
 * For each of `rows` codes of `segments` bytes, the sum of what the table holds for them: 256 float32 a
 * segment. Writes one float32 a row. All places in bytes; `segments` is a multiple of four for `quads`.
 */
export type TableKernel = (table: number, codes: number, out: number, rows: number, segments: number) => void;

export interface TableKernels {
  readonly quads: TableKernel;
  readonly singles: TableKernel;
}

export function createTableKernels(memory: KernelMemory): TableKernels {
  return instantiate(memory, [kernel('quads', 4), kernel('singles', 1)]) as TableKernels;
}

const [table, codes, out, rows, segments] = [0, 1, 2, 3, 4];
const [entry, end] = [5, 6];
const sums = [7, 8, 9, 10] as const;

function kernel(name: string, step: 1 | 4): KernelFunction {
  const used = sums.slice(0, step);
  const total = used
    .slice(1)
    .reduce<number[]>((sum, one) => [...sum, ...get(one), ...op.f32x4Add], get(sums[0]));
  const body = [
    ...op.loop,
    ...set(entry, get(table)),
    ...set(end, add(get(codes), get(segments))),
    ...used.flatMap((sum) => set(sum, op.v128Zero)),
    ...op.loop,
    ...used.flatMap((sum, at) => {
      const code = [...get(codes), ...op.i32Load8, at];
      const place = add(get(entry), [...code, ...constant(2), ...op.i32Shift]);
      return set(sum, [...get(sum), ...place, ...op.v128LoadLow, ...leb(1024 * at), ...op.f32x4Add]);
    }),
    ...set(codes, add(get(codes), constant(step))),
    ...set(entry, add(get(entry), constant(1024 * step))),
    ...repeatIfLess(get(codes), get(end)),
    ...op.end,
    ...get(out),
    ...total,
    ...op.f32x4ExtractLane,
    0,
    ...op.f32Store,
    2,
    0,
    ...set(out, add(get(out), constant(4))),
    ...set(rows, [...get(rows), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(rows)),
    ...op.end,
  ];
  return { name, parameters: 5, integers: 2, vectors: 4, body };
}
