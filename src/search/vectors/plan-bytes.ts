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
}

const MEGABYTE = 2 ** 20;
/** Threads, their heaps and buffers. */
const SEARCH_FLOOR = 128 * MEGABYTE;
const BUILD_FLOOR = 192 * MEGABYTE;
/** Row number and sum of a row beside its code; a mark for each row while loading. */
const ROW_EXTRA = 9;
/** Neighbours of a graph's lowest level, twice 32, and its upper levels. */
const GRAPH_LINKS = 2 * 32 * 4 + 16;

/** Bytes that searching holds in memory. */
export function searchMemory(shape: DenseShape): number {
  const { type, count, dimension, nlist } = shape;
  const vector = 4 * roundUp(dimension, 16);
  const centroids = nlist * (vector + 4 * dimension + 64);
  if (type === 'Flat') return SEARCH_FLOOR + count * vector;
  if (type === 'HNSW') return SEARCH_FLOOR + count * (4 * dimension + GRAPH_LINKS);
  if (type === 'IVFFlat') return SEARCH_FLOOR + centroids + count * (vector + ROW_EXTRA + 8);
  if (type === 'IVFSQ8') return SEARCH_FLOOR + centroids + count * (roundUp(dimension, 64) + ROW_EXTRA);
  return SEARCH_FLOOR + centroids + count * (shape.segments + ROW_EXTRA) + 1024 * dimension;
}

/** Bytes of the index and, where that is another file, of the vectors beside it. */
export function diskBytes(shape: DenseShape): number {
  const { type, count, dimension, nlist, segments } = shape;
  const vectors = 45 + 4 * count * dimension;
  const lists = nlist * (4 * dimension + 8) + 256;
  if (type === 'Flat') return vectors;
  if (type === 'HNSW') return 2 * vectors + count * GRAPH_LINKS;
  const code = { IVFFlat: 4 * dimension, IVFSQ8: dimension, IVFPQ: segments }[type];
  const trained = { IVFFlat: 0, IVFSQ8: 8 * dimension, IVFPQ: 1024 * dimension }[type];
  return vectors + lists + trained + count * (code + 8);
}

/** Bytes that building holds in memory: the sample, two numbers a row, what threads work in. */
export function buildMemory(shape: DenseShape): number {
  const { type, count, dimension, nlist, trainingRows } = shape;
  if (type === 'Flat') return BUILD_FLOOR;
  if (type === 'HNSW') return BUILD_FLOOR + count * (4 * dimension + GRAPH_LINKS);
  const vector = 4 * roundUp(dimension, 16);
  return BUILD_FLOOR + trainingRows * (vector + 8) + count * 12 + nlist * vector * 3 + 4096 * vector;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
