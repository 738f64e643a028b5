import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

import { fromSystemError } from '../../errors.ts';
import { keyBytes } from './key-table.ts';

/** A run of keys and their vectors, written in one go: all of it is there, or none. */
export interface Block {
  /** `count` keys of `keyBytes`, one after the other. */
  readonly keys: Uint8Array;
  readonly count: number;
  /** Byte offset of the first vector in the shard's file. */
  readonly vectorsAt: number;
}

const magic = 0x31_42_45_50;
const headBytes = 12;

/** The bytes of a block: magic, count, CRC-32 of what follows; the keys; the vectors (float32, row-major). */
export function encodeBlock(keys: Uint8Array, vectors: Float32Array): Buffer {
  const body = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const block = Buffer.alloc(headBytes + keys.length + body.length);
  block.set(keys, headBytes);
  block.set(body, headBytes + keys.length);
  block.writeUInt32LE(magic, 0);
  block.writeUInt32LE(keys.length / keyBytes, 4);
  block.writeUInt32LE(crc32(block.subarray(headBytes)), 8);
  return block;
}

/**
 * Reads the blocks of a shard, in order, and gives the length of what is whole: a killed or powered-off writer leaves
 * a last block that is not, and nothing after the first such block counts.
 */
export async function readBlocks(
  path: string,
  { dimension, each }: { readonly dimension: number; readonly each: (block: Block) => void },
): Promise<number> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  try {
    const { size } = await file.stat();
    let at = 0;
    for (;;) {
      const block = await readBlock(file, { at, size, dimension });
      if (block === undefined) return at;
      each(block);
      at = block.vectorsAt + block.count * dimension * 4;
    }
  } finally {
    await file.close();
  }
}

async function readBlock(
  file: FileHandle,
  { at, size, dimension }: { readonly at: number; readonly size: number; readonly dimension: number },
): Promise<Block | undefined> {
  if (at + headBytes > size) return undefined;
  const head = Buffer.alloc(headBytes);
  await file.read(head, 0, headBytes, at);
  const count = head.readUInt32LE(4);
  const length = count * (keyBytes + dimension * 4);
  if (head.readUInt32LE(0) !== magic || count === 0 || at + headBytes + length > size) return undefined;
  const body = Buffer.alloc(length);
  await file.read(body, 0, length, at + headBytes);
  if (crc32(body) !== head.readUInt32LE(8)) return undefined;
  const keys = new Uint8Array(body.subarray(0, count * keyBytes));
  return { keys, count, vectorsAt: at + headBytes + keys.length };
}
