/** Linear memory of WebAssembly; a shared one may be sent to worker threads. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
}

/** One exported function: whole-number parameters, then locals of our own, numbered on from them. */
export interface KernelFunction {
  readonly name: string;
  readonly parameters: number;
  readonly integers: number;
  readonly vectors: number;
  readonly body: readonly number[];
}

/** Linear memory of at least `bytes`, all zero; at most 4 GiB. */
export function createMemory(bytes: number): KernelMemory {
  return new WebAssembly.Memory({ initial: pagesOf(bytes) });
}

/** The same, for several threads at once. */
export function createSharedMemory(bytes: number): KernelMemory {
  return new WebAssembly.Memory({ initial: pagesOf(bytes), maximum: pagesOf(bytes), shared: true });
}

/** Compiles the functions onto `memory`, whichever kind it is; gives them by their names. */
export function instantiate(memory: KernelMemory, functions: readonly KernelFunction[]): unknown {
  const shared = (memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
  const pages = memory.buffer.byteLength / PAGE;
  const module = new WebAssembly.Module(moduleBytes(functions, shared ? pages : undefined));
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}

const PAGE = 65_536;

function pagesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PAGE));
}

// The compiler knows WebAssembly only with the browser's types, which nothing here should see.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: {
      readonly initial: number;
      readonly maximum?: number;
      readonly shared?: boolean;
    }) => KernelMemory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (
      module: object,
      imports: { readonly env: { readonly memory: KernelMemory } },
    ) => { readonly exports: unknown };
  };
};

/** Magic number and version 1. */
const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;
const V128 = 0x7b;

/** Instructions by name, as the bytes WebAssembly has for them. */
export const op = {
  loop: [0x03, 0x40],
  end: [0x0b],
  branchIf: [0x0d],
  i32Load8: [0x2d, 0],
  i32Shift: [0x74],
  i32LessUnsigned: [0x49],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Multiply: [0x6c],
  f32Store: [0x38],
  f32Add: [0x92],
  v128Load: [0xfd, 0x00, 4],
  v128LoadSplat: [0xfd, 0x09, 2],
  v128LoadLow: [0xfd, 0x5c, 2],
  v128Store: [0xfd, 0x0b, 4],
  v128Zero: [0xfd, 0x0c, ...Array<number>(16).fill(0)],
  v128Shuffle: [0xfd, 0x0d],
  v128Select: [0xfd, 0x52],
  i16x8Splat: [0xfd, 0x10],
  i8x16Narrow: [0xfd, 0x65],
  i16x8Narrow: [0xfd, 0x85, 0x01],
  i16x8RelaxedDot: [0xfd, 0x92, 0x02],
  i32x4Splat: [0xfd, 0x11],
  i32x4Add: [0xfd, 0xae, 0x01],
  i32x4Sub: [0xfd, 0xb1, 0x01],
  i32x4Dot: [0xfd, 0xba, 0x01],
  i32x4TruncateSaturated: [0xfd, 0xf8, 0x01],
  f32x4Nearest: [0xfd, 0x6a],
  f32x4Abs: [0xfd, 0xe0, 0x01],
  f32x4Max: [0xfd, 0xe9, 0x01],
  f32x4Sub: [0xfd, 0xe5, 0x01],
  f32x4ExtractLane: [0xfd, 0x1f],
  f32x4Greater: [0xfd, 0x44],
  f32x4Add: [0xfd, 0xe4, 0x01],
  f32x4Convert: [0xfd, 0xfa, 0x01],
  f32x4Multiply: [0xfd, 0xe6, 0x01],
  f32x4RelaxedMultiplyAdd: [0xfd, 0x85, 0x02],
} as const;

export function get(local: number): number[] {
  return [0x20, ...leb(local)];
}

export function set(local: number, value: readonly number[]): number[] {
  return [...value, 0x21, ...leb(local)];
}

export function add(left: readonly number[], right: readonly number[]): number[] {
  return [...left, ...right, ...op.i32Add];
}

/** A whole number, 0 or more. */
export function constant(value: number): number[] {
  return [0x41, ...signedLeb(value)];
}

export function load(pointer: number, offset: number): number[] {
  return [...get(pointer), ...op.v128Load, ...leb(offset)];
}

/** Goes round the loop it stands in while `left` < `right`. */
export function repeatIfLess(left: readonly number[], right: readonly number[]): number[] {
  return [...left, ...right, ...op.i32LessUnsigned, ...op.branchIf, 0];
}

/** An offset or an index. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function signedLeb(value: number): number[] {
  const rest = value >> 7;
  const last = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return last ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signedLeb(rest)];
}

function moduleBytes(functions: readonly KernelFunction[], sharedPages: number | undefined): Uint8Array {
  const limits = sharedPages === undefined ? [0x00, 0x01] : [0x03, 0x01, ...leb(sharedPages)];
  const signatures = functions.map(({ parameters }) => [
    0x60,
    ...vector(Array.from({ length: parameters }, () => [I32])),
    ...vector([]),
  ]);
  return Uint8Array.from([
    ...header,
    ...section(1, vector(signatures)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...limits]])),
    ...section(3, vector(functions.map((_, at) => [at]))),
    ...section(7, vector(functions.map(({ name }, at) => [...text(name), 0x00, at]))),
    ...section(10, vector(functions.map(codeOf))),
  ]);
}

function codeOf({ integers, vectors, body }: KernelFunction): number[] {
  const locals = vector([
    [integers, I32],
    [vectors, V128],
  ]);
  const code = [...locals, ...body, ...op.end];
  return [...leb(code.length), ...code];
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
