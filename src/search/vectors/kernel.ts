/**
 * Inner products of one query with consecutive rows, as a function in WebAssembly SIMD over `memory`.
 * Everything is in bytes within that memory and 16-byte aligned; `stride` is a multiple of 64 (pad with
 * zeros); rows come in groups of four and `out` receives four float32 a group.
 */
export type DotKernel = (query: number, rows: number, out: number, groups: number, stride: number) => void;

/** Linear memory of at least `bytes`, all zero. */
export function createMemory(bytes: number): KernelMemory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
}

/** Compiles the kernel onto `memory`; the same input gives the same bits on every machine. */
export function createDotKernel(memory: KernelMemory): DotKernel {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { env: { memory } });
  return instance.exports['dots'] as DotKernel;
}

export interface KernelMemory {
  readonly buffer: ArrayBuffer;
}

// The compiler knows WebAssembly only with the browser's types, which nothing here should see.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number }) => KernelMemory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (
      module: object,
      imports: { readonly env: { readonly memory: KernelMemory } },
    ) => { readonly exports: Readonly<Record<string, unknown>> };
  };
};

const I32 = 0x7f;
const V128 = 0x7b;
const op = {
  loop: [0x03, 0x40],
  end: [0x0b],
  branchIf: [0x0d],
  i32Const: [0x41],
  i32LessUnsigned: [0x49],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Multiply: [0x6c],
  f32Store: [0x38],
  f32Add: [0x92],
  v128Load: [0xfd, 0x00],
  v128Const: [0xfd, 0x0c],
  f32x4ExtractLane: [0xfd, 0x1f],
  f32x4Add: [0xfd, 0xe4, 0x01],
  f32x4Multiply: [0xfd, 0xe6, 0x01],
} as const;

// Locals: five parameters, then our own.
const [query, rows, out, groups, stride] = [0, 1, 2, 3, 4];
const [cursor, queryEnd] = [5, 6];
const row = [7, 8, 9, 10] as const;
const [queryPart, firstSum] = [11, 12];

/** Magic number and version 1. */
const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function moduleBytes(): Uint8Array {
  const signature = [0x60, ...vector([I32, I32, I32, I32, I32].map((type) => [type])), ...vector([])];
  const imported = [...text('env'), ...text('memory'), 0x02, 0x00, 0x01];
  const locals = vector([
    [6, I32],
    [5, V128],
  ]);
  const code = [...locals, ...body(), ...op.end];
  return Uint8Array.from([
    ...header,
    ...section(1, vector([signature])),
    ...section(2, vector([imported])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text('dots'), 0x00, 0x00]])),
    ...section(10, vector([[...leb(code.length), ...code]])),
  ]);
}

/** for each group { four sums over the row, 64 bytes of each row a step; store them } */
function body(): number[] {
  return [
    ...op.loop,
    ...set(cursor, get(query)),
    ...set(queryEnd, add(get(query), get(stride))),
    ...row.flatMap((local, at) => set(local, at === 0 ? get(rows) : add(get(row[at - 1]!), get(stride)))),
    ...row.flatMap((_, at) => set(firstSum + at, [...op.v128Const, ...Array<number>(16).fill(0)])),
    ...op.loop,
    ...[0, 16, 32, 48].flatMap(accumulate),
    ...row.flatMap((local) => set(local, add(get(local), constant(64)))),
    ...set(cursor, add(get(cursor), constant(64))),
    ...repeatIfLess(get(cursor), get(queryEnd)),
    ...op.end,
    ...row.flatMap((_, at) => storeSum(at)),
    ...set(rows, add(get(rows), [...get(stride), ...constant(4), ...op.i32Multiply])),
    ...set(out, add(get(out), constant(16))),
    ...set(groups, [...get(groups), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(groups)),
    ...op.end,
  ];
}

/** One 16-byte part of the query against the same part of the four rows: four independent chains. */
function accumulate(offset: number): number[] {
  return [
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
  ];
}

function storeSum(at: number): number[] {
  const lane = (index: number) => [...get(firstSum + at), ...op.f32x4ExtractLane, index];
  const pairs = [...lane(0), ...lane(1), ...op.f32Add, ...lane(2), ...lane(3), ...op.f32Add];
  return [...get(out), ...pairs, ...op.f32Add, ...op.f32Store, 2, ...leb(4 * at)];
}

function repeatIfLess(left: readonly number[], right: readonly number[]): number[] {
  return [...left, ...right, ...op.i32LessUnsigned, ...op.branchIf, 0];
}

function load(pointer: number, offset: number): number[] {
  return [...get(pointer), ...op.v128Load, 4, ...leb(offset)];
}

function get(local: number): number[] {
  return [0x20, local];
}

function set(local: number, value: readonly number[]): number[] {
  return [...value, 0x21, local];
}

function add(left: readonly number[], right: readonly number[]): number[] {
  return [...left, ...right, ...op.i32Add];
}

/** Signed LEB128, so values of 64 and more take a second byte. */
function constant(value: number): number[] {
  return [...op.i32Const, ...(value < 64 ? [value] : [(value & 0x7f) | 0x80, value >> 7])];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return [...leb(value.length), ...Array.from(value, (char) => char.charCodeAt(0))];
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >> 7)];
}
