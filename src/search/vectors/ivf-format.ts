import { encodeFlatHeader } from './faiss-header.ts';

/** What an inverted file keeps of each row: the vector, a byte a dimension, or a byte a segment. */
export type IvfCoding =
  | { readonly kind: 'flat' }
  | {
      readonly kind: 'sq8';
      /** Smallest value and width of the range of each dimension (of the difference from the centroid). */
      readonly lowest: Float32Array;
      readonly range: Float32Array;
      readonly byResidual: boolean;
    }
  | {
      readonly kind: 'pq';
      readonly segments: number;
      /** 256 centroids of each segment, one segment after the other. */
      readonly codebook: Float32Array;
      readonly byResidual: boolean;
    };

/** An inverted file without its lists. */
export interface IvfHead {
  readonly dimension: number;
  readonly count: number;
  readonly nprobe: number;
  /** Row-major, one row a list. */
  readonly centroids: Float32Array;
  readonly coding: IvfCoding;
  /** Rows in each list. */
  readonly sizes: Uint32Array;
}

/** Bytes of a label in a list. */
export const ID_BYTES = 8;
/** FAISS's number for the 8-bit scalar quantiser with a range of its own for each dimension. */
export const QT_8BIT = 0;

const fourcc = { flat: 'IwFl', sq8: 'IwSq', pq: 'IwPQ' } as const;

/** Bytes that a row takes in its list, without its label. */
export function codeSizeOf(coding: IvfCoding, dimension: number): number {
  if (coding.kind === 'flat') return dimension * 4;
  return coding.kind === 'sq8' ? dimension : coding.segments;
}

/** Everything FAISS writes before the first list; the lists follow, each its codes and then its labels (i64). */
export function encodeIvfHead(head: IvfHead): Buffer {
  const { dimension, count, nprobe, centroids, coding, sizes } = head;
  const nlist = sizes.length;
  const start = encodeFlatHeader({ dimension, count }).subarray(0, 37);
  start.write(fourcc[coding.kind], 0, 'latin1');
  return Buffer.concat([
    start,
    wholes(nlist, nprobe),
    encodeFlatHeader({ dimension, count: nlist }),
    bytesOf(centroids),
    // No direct map.
    Buffer.from([0]),
    wholes(0),
    encodeCoding(coding, dimension),
    Buffer.from('ilar', 'latin1'),
    wholes(nlist, codeSizeOf(coding, dimension)),
    Buffer.from('full', 'latin1'),
    wholes(nlist),
    bytesOf(BigUint64Array.from(sizes, BigInt)),
  ]);
}

/** Where each list begins, in bytes after the first. */
export function listOffsets(sizes: Uint32Array, codeSize: number): Float64Array {
  const offsets = new Float64Array(sizes.length + 1);
  for (const [list, size] of sizes.entries())
    offsets[list + 1] = offsets[list]! + size * (codeSize + ID_BYTES);
  return offsets;
}

function encodeCoding(coding: IvfCoding, dimension: number): Buffer {
  const codeSize = codeSizeOf(coding, dimension);
  if (coding.kind === 'flat') return Buffer.alloc(0);
  const byResidual = Buffer.from([coding.byResidual ? 1 : 0]);
  if (coding.kind === 'pq') {
    const { segments, codebook } = coding;
    const bits = 8;
    return Buffer.concat([
      byResidual,
      wholes(codeSize, dimension, segments, bits, codebook.length),
      bytesOf(codebook),
    ]);
  }
  const { lowest, range } = coding;
  const kindAndRange = Buffer.alloc(12);
  kindAndRange.writeInt32LE(QT_8BIT, 0);
  return Buffer.concat([
    kindAndRange,
    wholes(dimension, codeSize, 2 * dimension),
    bytesOf(lowest),
    bytesOf(range),
    wholes(codeSize),
    byResidual,
  ]);
}

function wholes(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * at);
  return bytes;
}

function bytesOf(values: Float32Array | BigUint64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
