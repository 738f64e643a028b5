import { open } from 'node:fs/promises';

import { fromSystemError } from '../../errors.ts';
import { writeAll } from '../system/disk.ts';

/** Writes the concept id of each row: one little-endian int64 a row, as FAISS has its labels. */
export interface IdSidecar {
  /** Rows so far; the next row's number. */
  readonly rows: number;
  add(conceptId: number): Promise<void>;
  /** The file is complete and on disk afterwards. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

const rowsAtOnce = 65_536;

/** Starts a sidecar, in place of what is there. */
export async function createIdSidecar(path: string): Promise<IdSidecar> {
  const inWords = (error: unknown): never => {
    throw fromSystemError(error, path);
  };
  const file = await open(path, 'w').catch(inWords);
  const buffer = new BigInt64Array(rowsAtOnce);
  let rows = 0;
  const flush = async (): Promise<void> => {
    const held = rows % rowsAtOnce || (rows === 0 ? 0 : rowsAtOnce);
    const start = (rows - held) * 8;
    await writeAll(file, new Uint8Array(buffer.buffer, 0, held * 8), start).catch(inWords);
  };
  return {
    get rows() {
      return rows;
    },
    async add(conceptId) {
      buffer[rows % rowsAtOnce] = BigInt(conceptId);
      rows += 1;
      if (rows % rowsAtOnce === 0) await flush();
    },
    async finish() {
      if (rows % rowsAtOnce !== 0) await flush();
      await file.sync().catch(inWords);
    },
    close: async () => await file.close(),
  };
}
