import { byteRowSize } from './byte-rows.ts';

/** Kinds of dense index: all rows exactly, inverted files of three codings, a graph. */
export type DenseType = 'Flat' | 'IVFFlat' | 'IVFSQ8' | 'IVFPQ' | 'HNSW';

/** What the sizes of an index depend on; 0 where a kind has no such thing. */
export interface DenseShape {
  readonly type: DenseType;
  readonly count: number;
  readonly dimension: number;
  readonly nlist: number;
  readonly segments: number;
  readonly trainingRows: number;
  /** Whether faiss-node may search a flat index: it holds the rows as they are, our own code as bytes. */
  readonly wholeRows: boolean;
}

const MEGABYTE = 2 ** 20;
/** Threads, their heaps and buffers: up to four for rows that are all looked at, mostly one for lists. */
const SEARCH_FLOOR = { flat: 64 * MEGABYTE, lists: 48 * MEGABYTE } as const;
/** Writing a flat file, row by row. */
const FLAT_BUILD = 32 * MEGABYTE;
const BUILD_FLOOR = 96 * MEGABYTE;
/** A plan must not depend on the machine, so it counts on these; each takes a heap and the codes it writes. */
const BUILD_THREADS = 4;
const THREAD_HEAP = 16 * MEGABYTE;
const CODES_HELD = 24 * MEGABYTE;
const ROWS_HELD = 32_768;
/** Row number and sum of a row beside its code; a mark for each row while loading. */
const ROW_EXTRA = 9;
/** Neighbours of a graph's lowest level, twice 32, and its upper levels. */
const GRAPH_LINKS = 2 * 32 * 4 + 16;

/** Bytes that searching holds in memory. */
export function searchMemory(shape: DenseShape): number {
  const { type, count, dimension, nlist } = shape;
  const vector = 4 * roundUp(dimension, 16);
  const centroids = nlist * (vector + 4 * dimension + 64);
  if (type === 'Flat')
    return SEARCH_FLOOR.flat + count * (shape.wholeRows ? 4 * dimension : byteRowSize(dimension));
  if (type === 'HNSW') return SEARCH_FLOOR.flat + count * (4 * dimension + GRAPH_LINKS);
  const code = { IVFFlat: vector, IVFSQ8: roundUp(dimension, 64), IVFPQ: shape.segments }[type];
  const codebook = type === 'IVFPQ' ? 1024 * dimension : 0;
  return SEARCH_FLOOR.lists + centroids + count * (code + ROW_EXTRA) + codebook;
}

/** Bytes of the index and, where that is another file, of the vectors beside it. */
export function diskBytes(shape: DenseShape): number {
  const { type, count, dimension, nlist } = shape;
  const vectors = 45 + 4 * count * dimension;
  const lists = nlist * (4 * dimension + 8) + 256;
  if (type === 'Flat') return vectors;
  if (type === 'HNSW') return 2 * vectors + count * GRAPH_LINKS;
  const code = codeBytes(shape);
  const trained = { IVFFlat: 0, IVFSQ8: 8 * dimension, IVFPQ: 1024 * dimension }[type];
  return vectors + lists + trained + count * (code + 8);
}

/** Bytes that building holds in memory: the sample, three numbers a row, what four threads work in. */
export function buildMemory(shape: DenseShape): number {
  const { type, count, dimension, nlist, trainingRows } = shape;
  if (type === 'Flat') return FLAT_BUILD;
  if (type === 'HNSW') return BUILD_FLOOR + THREAD_HEAP + count * (4 * dimension + GRAPH_LINKS);
  const vector = 4 * roundUp(dimension, 16);
  const threads = BUILD_THREADS * (THREAD_HEAP + 2048 * vector + writtenBytes(shape));
  return BUILD_FLOOR + threads + trainingRows * (vector + 8) + count * 12 + nlist * vector * 3;
}

/** What a thread holds of the codes it writes: a piece, and up to two before it that are not collected yet. */
function writtenBytes(shape: DenseShape): number {
  const code = codeBytes(shape);
  if (code === 0) return 0;
  const rows = Math.min(ROWS_HELD, CODES_HELD / code);
  const pieces = shape.count / rows;
  return rows * code * Math.min(3, 1 + pieces / 20);
}

/** Bytes of a row's code in the file; 0 where a kind has none. */
function codeBytes({ type, dimension, segments }: DenseShape): number {
  return { Flat: 0, HNSW: 0, IVFFlat: 4 * dimension, IVFSQ8: dimension, IVFPQ: segments }[type];
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
