import { createHash } from 'node:crypto';
import { constants, readSync } from 'node:fs';
import { mkdir, open, readdir, rm, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError } from '../../errors.ts';
import { writeAll } from '../system/disk.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { createKeyTable, keyBytes } from './key-table.ts';
import { encodeBlock, readBlocks } from './shard.ts';

/** Vectors by text, of one model, on disk for good: what was embedded once is never embedded again. */
export interface EmbeddingCache {
  readonly count: number;
  has(key: Uint8Array): boolean;
  /** Writes the key's vector into `row`; false where there is none. */
  read(key: Uint8Array, row: Float32Array): boolean;
  /** Appends vectors, all of them or none; on disk after the next `sync`. */
  append(keys: Uint8Array, vectors: Float32Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A shard that has grown to this is left alone, so that a copy of the folder has few changed files. */
const fullShard = 256 * 2 ** 20;

/** Key of a text within one model's cache. */
export function keyOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest().subarray(0, keyBytes);
}

/** Folder of a model's cache, named by all that a vector depends on: another revision or precision is another folder. */
export function cacheFolder(caches: string, identity: EmbedderIdentity): string {
  const digest = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
  return path.join(caches, digest);
}

/**
 * Opens a model's cache in its folder under `caches`: to be written by one at a time, so under a lease, or `asItIs`, to
 * be read only, also where there is none.
 */
export async function openCache(
  caches: string,
  identity: EmbedderIdentity,
  { asItIs = false } = {},
): Promise<EmbeddingCache> {
  const folder = cacheFolder(caches, identity);
  try {
    return await opened(folder, identity, asItIs);
  } catch (error) {
    throw fromSystemError(error, folder);
  }
}

/** A place is a shard's number and a byte offset in it. */
const shardSpan = 2 ** 40;

async function opened(folder: string, identity: EmbedderIdentity, asItIs: boolean): Promise<EmbeddingCache> {
  const { dimension } = identity;
  if (!asItIs) {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'identity.json'), `${JSON.stringify(identity, null, 2)}\n`);
  }
  const table = createKeyTable();
  const shards: { readonly file: FileHandle; bytes: number }[] = [];
  const remember = (keys: Uint8Array, start: number): void => {
    for (let at = 0; at * keyBytes < keys.length; at += 1) {
      table.add(keys.subarray(at * keyBytes, (at + 1) * keyBytes), start + at * dimension * 4);
    }
  };
  const openShard = async (name: string): Promise<void> => {
    const file = path.join(folder, name);
    const base = shards.length * shardSpan;
    const shard = {
      file: await open(file, asItIs ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT),
      bytes: 0,
    };
    shards.push(shard);
    shard.bytes = await readBlocks(file, {
      dimension,
      each({ keys, vectorsAt }) {
        remember(keys, base + vectorsAt);
      },
    });
    if (!asItIs) await shard.file.truncate(shard.bytes);
  };
  const write = async (keys: Uint8Array, vectors: Float32Array): Promise<void> => {
    if ((shards.at(-1)?.bytes ?? fullShard) >= fullShard) {
      await openShard(`${String(shards.length + 1).padStart(6, '0')}.shard`);
    }
    const shard = shards.at(-1)!;
    const block = encodeBlock(keys, vectors);
    await writeAll(shard.file, block, shard.bytes);
    unsynced.add(shard.file);
    shard.bytes += block.length;
    remember(keys, (shards.length - 1) * shardSpan + shard.bytes - vectors.byteLength);
  };
  let line: Promise<unknown> = Promise.resolve();
  let unsynced = new Set<FileHandle>();
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => /^\d{6}\.shard$/.test(name))
    .toSorted();
  for (const name of names) {
    await openShard(name).catch(async (error: unknown) => {
      for (const { file } of shards) await file.close();
      throw error;
    });
  }

  return {
    get count() {
      return table.size;
    },
    has: (key) => table.find(key) !== -1,
    read(key, row) {
      const place = table.find(key);
      if (place === -1) return false;
      const shard = shards[Math.floor(place / shardSpan)]!;
      const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
      return readSync(shard.file.fd, bytes, 0, bytes.length, place % shardSpan) === bytes.length;
    },
    async append(keys, vectors) {
      // One after the other: each begins where the one before it ended.
      const mine = line.then(async () => {
        await write(keys, vectors);
      });
      line = mine.catch(() => undefined);
      await mine.catch((error: unknown) => {
        throw fromSystemError(error, folder);
      });
    },
    async sync() {
      const files = unsynced;
      unsynced = new Set();
      for (const file of files) await file.datasync();
    },
    async close() {
      for (const { file } of shards) await file.close();
    },
  };
}

/** Removes the caches of all models but these; gives what was removed. */
export async function pruneCaches(
  caches: string,
  keep: readonly EmbedderIdentity[],
): Promise<readonly string[]> {
  const kept = new Set(keep.map((identity) => path.basename(cacheFolder(caches, identity))));
  const removed = (await readdir(caches).catch(() => [])).filter((name) => !kept.has(name));
  for (const name of removed) await rm(path.join(caches, name), { recursive: true, force: true });
  return removed;
}
