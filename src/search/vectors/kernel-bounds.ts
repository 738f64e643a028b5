import { sumAcross } from './kernel.ts';
import { sumRow } from './kernel-codes.ts';
import { add, constant, get, instantiate, type KernelMemory, load, op, repeatIfLess, set } from './wasm.ts';

/**
 * The most that rows of bytes may score, one float32 a row, in groups of four: (bytes x query - sum) x scale x step,
 * plus length x queryLoss, plus loss x norm. `facts` has four float32 (sum: int32) a group of each of scale, sum,
 * length and loss; `terms` has step, queryLoss and norm four times each. The query is bytes 0 to 127. Places are in
 * bytes and 16-byte aligned, `stride` is a multiple of 64.
 */
export type BoundKernel = (
  query: number,
  rows: number,
  facts: number,
  terms: number,
  out: number,
  groups: number,
  stride: number,
) => void;

export function createBoundKernel(memory: KernelMemory): BoundKernel {
  const bounds = { name: 'bounds', parameters: 7, integers: 2, vectors: 14, body: loops() };
  return (instantiate(memory, [bounds]) as { readonly bounds: BoundKernel }).bounds;
}

// Locals: seven parameters, then our own.
const [query, rows, facts, terms, out, groups, stride] = [0, 1, 2, 3, 4, 5, 6];
const [cursor, queryEnd] = [7, 8];
const totals = [9, 10, 11, 12] as const;
const [ones, step, queryLoss, norm, whole, score] = [17, 18, 19, 20, 21, 22];
const row = { query, rows, stride, cursor, queryEnd, ones, parts: [13, 14, 15, 16] } as const;

function loops(): number[] {
  return [
    ...set(ones, [...constant(1), ...op.i16x8Splat]),
    ...[step, queryLoss, norm].flatMap((term, at) => set(term, load(terms, 16 * at))),
    ...op.loop,
    ...totals.flatMap((total) => sumRow(row, total)),
    ...set(whole, [...sumAcross(totals.map(get), op.i32x4Add), ...load(facts, 16), ...op.i32x4Sub]),
    ...set(score, [...get(whole), ...op.f32x4Convert, ...load(facts, 0), ...op.f32x4Multiply]),
    ...set(score, [...get(score), ...get(step), ...op.f32x4Multiply]),
    ...addProduct(32, queryLoss),
    ...addProduct(48, norm),
    ...get(out),
    ...get(score),
    ...op.v128Store,
    0,
    ...set(facts, add(get(facts), constant(64))),
    ...set(out, add(get(out), constant(16))),
    ...set(groups, [...get(groups), ...constant(1), ...op.i32Sub]),
    ...repeatIfLess(constant(0), get(groups)),
    ...op.end,
  ];
}

function addProduct(fact: number, term: number): number[] {
  return set(score, [...get(score), ...load(facts, fact), ...get(term), ...op.f32x4Multiply, ...op.f32x4Add]);
}
