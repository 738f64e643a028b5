import { open } from 'node:fs/promises';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { writeAll } from '../system/disk.ts';
import { encodeFlatHeader, FLAT_HEADER_BYTES } from './faiss-header.ts';

/** Writes a FAISS flat index row by row. Until `finish` the file is not a valid index. */
export interface FlatWriter {
  /** Adds whole rows (a row-major matrix of float32); a number that is not finite is refused. */
  append(rows: Float32Array): Promise<void>;
  /** What was added is on disk afterwards. */
  sync(): Promise<void>;
  /** Writes the final counts, flushes to disk and closes; gives the number of rows. */
  finish(): Promise<number>;
  /** Closes without finishing, for when the build failed. */
  abandon(): Promise<void>;
}

/**
 * Starts a FAISS `IxFI` file at `path` for vectors of `dimension` float32, in place of what is there; with `rows`, goes
 * on after that many rows of an unfinished one.
 */
export async function createFlatWriter(
  path: string,
  { dimension, rows: before = 0 }: { readonly dimension: number; readonly rows?: number },
): Promise<FlatWriter> {
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new PortiereError('BUG', `A dense index cannot have dimension ${dimension}.`);
  }
  const file = await inWords(path, open(path, before === 0 ? 'w' : 'r+'));
  let count = before;
  let position = FLAT_HEADER_BYTES + before * dimension * 4;
  await inWords(path, file.truncate(position));
  await inWords(path, writeAll(file, encodeFlatHeader({ dimension, count: 0 }), 0));

  return {
    async append(rows) {
      checkRows(rows, dimension, count);
      const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
      const start = position;
      position += bytes.length;
      count += rows.length / dimension;
      await inWords(path, writeAll(file, bytes, start));
    },
    async sync() {
      await inWords(path, file.datasync());
    },
    async finish() {
      await inWords(path, writeAll(file, encodeFlatHeader({ dimension, count }), 0));
      await inWords(path, file.sync());
      await file.close();
      return count;
    },
    async abandon() {
      await file.close();
    },
  };
}

function checkRows(rows: Float32Array, dimension: number, before: number): void {
  if (rows.length % dimension !== 0) {
    throw new PortiereError('BUG', `${rows.length} numbers are not whole rows of dimension ${dimension}.`);
  }
  for (let i = 0; i < rows.length; i += 1) {
    if (!Number.isFinite(rows[i])) {
      const row = before + Math.floor(i / dimension);
      throw new PortiereError('BUG', `The vector of row ${row} holds ${rows[i]}, not a finite number.`);
    }
  }
}

async function inWords<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fromSystemError(error, path);
  }
}
