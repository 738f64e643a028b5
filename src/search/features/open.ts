import { PortiereError } from '../../errors.ts';
import { chooseIds, chooseVectors } from './choose.ts';
import { type DataSet, openHdf5 } from './hdf5.ts';

export interface FeaturesWish {
  /** Name of the data set of vectors; found by itself where there is only one, or one of a usual name. */
  readonly vectors?: string;
  readonly ids?: string;
  /** Rows are given with an L2 norm of 1. */
  readonly normalise?: boolean;
}

/** Vectors that somebody else computed, a row each. */
export interface Features {
  readonly dimension: number;
  readonly count: number;
  /** The id of each row as the file has it, all different; undefined where it has none. */
  readonly ids: readonly string[] | readonly bigint[] | undefined;
  /** Names of the data sets that were taken. */
  readonly names: { readonly vectors: string; readonly ids: string | undefined };
  /**
   * Whole rows in order, some thousand at a time, each time from the first; FEATURES_INVALID at the end, with their
   * number, where rows hold what is no number (or, normalised, nothing but zeros).
   */
  chunks(): AsyncIterable<Float32Array>;
  close(): void;
}

const chunkBytes = 8 * 2 ** 20;
const idsAtOnce = 65_536;

/** Opens the vectors in an HDF5 file, reading none of them yet; FEATURES_INVALID, PACKAGE_MISSING. */
export async function openFeatures(file: string, wish: FeaturesWish = {}): Promise<Features> {
  const opened = await openHdf5(file);
  try {
    const vectors = chooseVectors(file, opened.dataSets, wish.vectors);
    const [count = 0, dimension = 0] = vectors.shape;
    const idSet = chooseIds(file, opened.dataSets, { name: wish.ids, count });
    return {
      dimension,
      count,
      ids: idSet === undefined ? undefined : readIds(file, idSet, count),
      names: { vectors: vectors.name, ids: idSet?.name },
      chunks: () => readRows(file, vectors, { count, dimension, normalise: wish.normalise === true }),
      close() {
        opened.close();
      },
    };
  } catch (error) {
    opened.close();
    throw error;
  }
}

function readIds(file: string, ids: DataSet, count: number): string[] | bigint[] {
  const all: (string | bigint)[] = [];
  for (let start = 0; start < count; start += idsAtOnce) {
    const some = ids.read(start, Math.min(count, start + idsAtOnce)) as Iterable<string | number | bigint>;
    for (const id of some) all.push(typeof id === 'number' ? BigInt(id) : id);
  }
  const doubles = all.length - new Set(all).size;
  if (doubles === 0) return all as string[] | bigint[];
  throw new PortiereError(
    'FEATURES_INVALID',
    `${ids.name} in ${file} names ${doubles} of ${count} rows a second time.`,
    {
      hint: 'Each vector needs an id of its own: remove the repeated ones, or name another data set.',
    },
  );
}

interface Rows {
  readonly count: number;
  readonly dimension: number;
  readonly normalise: boolean;
}

async function* readRows(file: string, vectors: DataSet, rows: Rows): AsyncGenerator<Float32Array, void> {
  const { count, dimension } = rows;
  const atOnce = Math.max(1, Math.floor(chunkBytes / (dimension * 4)));
  // What is packed together is unpacked once.
  const step = Math.ceil(atOnce / vectors.storedRows) * vectors.storedRows;
  const bad: number[] = [];
  let badCount = 0;
  for (let start = 0; start < count; start += step) {
    const read = vectors.read(start, Math.min(count, start + step)) as Float32Array | Float64Array;
    const block = read instanceof Float32Array ? read : Float32Array.from(read);
    for (let row = 0; row * dimension < block.length; row += 1) {
      if (isGood(block.subarray(row * dimension, (row + 1) * dimension), rows.normalise)) continue;
      badCount += 1;
      if (bad.length < 5) bad.push(start + row);
    }
    if (badCount === 0) yield* parts(block, atOnce * dimension);
    await new Promise(setImmediate);
  }
  if (badCount === 0) return;
  const what = rows.normalise ? 'values that are no number, or zeros only' : 'values that are no number';
  throw new PortiereError(
    'FEATURES_INVALID',
    `${badCount} of ${count} rows of ${vectors.name} in ${file} hold ${what}.`,
    {
      hint: `Compute them again or leave them out; the first, counted from 0: ${bad.join(', ')}.`,
    },
  );
}

function* parts(block: Float32Array, length: number): Generator<Float32Array, void> {
  for (let start = 0; start < block.length; start += length) yield block.subarray(start, start + length);
}

/** Whether a row is a vector; it is brought to norm 1 where that is wanted. */
function isGood(row: Float32Array, normalise: boolean): boolean {
  let sum = 0;
  for (const value of row) sum += value * value;
  // One value that is no number makes the sum none; squares of float32 do not overflow a double.
  if (!Number.isFinite(sum)) return false;
  if (!normalise) return true;
  if (sum === 0) return false;
  const norm = Math.sqrt(sum);
  for (let at = 0; at < row.length; at += 1) row[at] = (row[at] ?? 0) / norm;
  return true;
}
