import { closeSync, openSync, readSync } from 'node:fs';
import { PortiereError } from '../../errors.ts';
import { FLAT_HEADER_BYTES, type FlatHeader } from './faiss-header.ts';

/** The rows of a flat index, read where they lie; a row takes `stride` bytes of what it is read into. */
export interface FlatRows {
  /** Reads `count` rows from row `first` on, padded; INDEX_INVALID when the file ends before them. */
  read(first: number, count: number, target: Uint8Array): void;
  close(): void;
}

/** Bytes a row takes in memory: whole 64-byte steps of the kernels. */
export function strideOf(dimension: number): number {
  return Math.ceil(dimension / 16) * 64;
}

/** Opens the file of `header` for reading on the calling thread. */
export function openRows(header: FlatHeader): FlatRows {
  const rowBytes = header.dimension * 4;
  const stride = strideOf(header.dimension);
  const file = openSync(header.path, 'r');
  const step = Math.max(1, Math.floor(2 ** 20 / rowBytes));
  const buffer = stride === rowBytes ? undefined : new Uint8Array(step * rowBytes);

  return {
    read(first, count, target) {
      const position = FLAT_HEADER_BYTES + first * rowBytes;
      if (!buffer) {
        readFully({ file, into: target.subarray(0, count * stride), position, path: header.path });
        return;
      }
      for (let done = 0; done < count; done += step) {
        const rows = Math.min(step, count - done);
        const into = buffer.subarray(0, rows * rowBytes);
        readFully({ file, into, position: position + done * rowBytes, path: header.path });
        for (let row = 0; row < rows; row += 1) {
          target.set(buffer.subarray(row * rowBytes, (row + 1) * rowBytes), (done + row) * stride);
        }
      }
    },
    close: () => closeSync(file),
  };
}

export interface Reading {
  readonly file: number;
  readonly into: Uint8Array;
  readonly position: number;
  /** For the message. */
  readonly path: string;
}

/** Node reads less than 2 GiB in one call. */
const mostAtOnce = 2 ** 30;

/** Fills `into`, however many reads that takes; INDEX_INVALID when the file ends first. */
export function readFully({ file, into, position, path }: Reading): void {
  let done = 0;
  while (done < into.length) {
    const size = Math.min(mostAtOnce, into.length - done);
    const got = readSync(file, into, done, size, position + done);
    if (got === 0) throw new PortiereError('INDEX_INVALID', `${path} became shorter while it was read.`);
    done += got;
  }
}
