import {
  add,
  constant,
  get,
  instantiate,
  type KernelMemory,
  leb,
  load,
  op,
  repeatIfLess,
  set,
} from './wasm.ts';

/**
 * Inner products of one query with consecutive rows, as a function in WebAssembly SIMD over `memory`.
 * Everything is in bytes within that memory and 16-byte aligned; `stride` is a multiple of 64 (pad with
 * zeros); rows come in groups of four and `out` receives four numbers a group.
 */
export type DotKernel = (query: number, rows: number, out: number, groups: number, stride: number) => void;

/** Compiles the kernel onto `memory`; the same input gives the same bits on every machine. */
export function createDotKernel(memory: KernelMemory): DotKernel {
  const dots = { name: 'dots', parameters: 5, integers: 6, vectors: 5, body: loops() };
  return (instantiate(memory, [dots]) as { readonly dots: DotKernel }).dots;
}

// Locals: five parameters, then our own.
const [query, rows, out, groups, stride] = [0, 1, 2, 3, 4];
const [cursor, queryEnd] = [5, 6];
const row = [7, 8, 9, 10] as const;
const [queryPart, firstSum] = [11, 12];

/** for each group { four sums over the row, 64 bytes of each row a step; store them } */
function loops(): number[] {
  return [
    ...op.loop,
    ...set(cursor, get(query)),
    ...set(queryEnd, add(get(query), get(stride))),
    ...row.flatMap((local, at) => set(local, at === 0 ? get(rows) : add(get(row[at - 1]!), get(stride)))),
    ...row.flatMap((_, at) => set(firstSum + at, op.v128Zero)),
    ...op.loop,
    ...[0, 16, 32, 48].flatMap((offset) => [
      ...set(queryPart, load(cursor, offset)),
      ...row.flatMap((local, at) =>
        set(firstSum + at, [
          ...get(firstSum + at),
          ...get(queryPart),
          ...load(local, offset),
          ...op.f32x4Multiply,
          ...op.f32x4Add,
        ]),
      ),
    ]),
    ...row.flatMap((local) => set(local, add(get(local), constant(64)))),
    ...set(cursor, add(get(cursor), constant(64))),
    ...repeatIfLess(get(cursor), get(queryEnd)),
    ...op.end,
    ...storeSums(),
    ...set(rows, add(get(rows), [...get(stride), ...constant(4), ...op.i32Multiply])),
    ...set(out, add(get(out), constant(16))),
    ...set(groups, [...get(groups), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(groups)),
    ...op.end,
  ];
}

function storeSums(): number[] {
  return row.flatMap((_, at) => {
    const lane = (index: number) => [...get(firstSum + at), ...op.f32x4ExtractLane, index];
    const pairs = [...lane(0), ...lane(1), ...op.f32Add, ...lane(2), ...lane(3), ...op.f32Add];
    return [...get(out), ...pairs, ...op.f32Add, ...op.f32Store, 2, ...leb(4 * at)];
  });
}

/** One vector of the sums over the lanes of four vectors. */
export function sumAcross(sums: readonly (readonly number[])[], addition: readonly number[]): number[] {
  const [a, b, c, d] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!];
  const mixed = (left: readonly number[], right: readonly number[], lanes: readonly number[]) => [
    ...left,
    ...right,
    ...op.v128Shuffle,
    ...lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
  ];
  // [l0+l2, r0+r2, l1+l3, r1+r3]
  const half = (left: readonly number[], right: readonly number[]) => [
    ...mixed(left, right, [0, 4, 1, 5]),
    ...mixed(left, right, [2, 6, 3, 7]),
    ...addition,
  ];
  const [ab, cd] = [half(a, b), half(c, d)];
  return [...mixed(ab, cd, [0, 1, 4, 5]), ...mixed(ab, cd, [2, 3, 6, 7]), ...addition];
}
