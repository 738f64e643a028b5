import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Progress } from '../../../ports.ts';
import { sync } from '../../system/disk.ts';
import { type EmbeddingCache, keyOf } from '../../embed/cache.ts';
import { keyBytes } from '../../embed/key-table.ts';
import type { Embedder } from '../../embed/embedder.ts';
import { runSql } from '../../lexical/sql-thread.ts';
import { inOrder } from '../in-order.ts';
import { fileNames } from '../manifest.ts';

export interface MissingFigures {
  /** Different texts of the vocabulary. */
  readonly distinct: number;
  /** Those that the cache did not hold when the build began. */
  readonly missing: number;
  /** Vectors that it did hold then. */
  readonly kept: number;
}

/** Name of the list of missing texts inside the draft's folder. */
const listFile = 'missing';
/** Texts that one thread embeds at a time, and the cache takes whole: about a second of a slow model's work. */
const unit = 256;
const syncEvery = 2_000;

/**
 * Writes down which texts have no vector yet, ordered by length so that what is embedded together is alike. The list
 * stays for the whole build: a build taken up again cuts the same units, and with int8 weights a vector depends on
 * what it was embedded with.
 */
export async function listMissing(
  folder: string,
  cache: EmbeddingCache,
  progress: Progress,
): Promise<MissingFigures> {
  const file = path.join(folder, listFile);
  const figures = await findMissing(folder, cache, progress);
  // On a thread: it sorts all of them at once.
  const order =
    'INSERT INTO missing (text) SELECT text FROM found ORDER BY length(text), text; DROP TABLE found;';
  await runSql({ file, script: `PRAGMA synchronous = OFF; BEGIN; ${order} COMMIT;` });
  await sync(file);
  return figures;
}

async function findMissing(
  folder: string,
  cache: EmbeddingCache,
  progress: Progress,
): Promise<MissingFigures> {
  const file = path.join(folder, listFile);
  await rm(file, { force: true });
  const list = new DatabaseSync(file);
  const lexical = new DatabaseSync(path.join(folder, fileNames.lexical), { readOnly: true });
  try {
    list.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;
      CREATE TABLE found (text TEXT NOT NULL); CREATE TABLE missing (place INTEGER PRIMARY KEY, text TEXT NOT NULL);`);
    const insert = list.prepare('INSERT INTO found VALUES (?)');
    let distinct = 0;
    let missing = 0;
    const texts = lexical.prepare('SELECT DISTINCT text FROM term').iterate();
    for (const row of texts) {
      const text = String(row['text']);
      distinct += 1;
      if (!cache.has(keyOf(text))) {
        insert.run(text);
        missing += 1;
      }
      if (distinct % 4096 === 0) {
        progress.update(distinct, undefined, 'texts looked up');
        await new Promise(setImmediate);
      }
    }
    list.exec('COMMIT');
    return { distinct, missing, kept: cache.count };
  } finally {
    lexical.close();
    list.close();
  }
}

export interface EmbedRequest {
  readonly folder: string;
  readonly figures: MissingFigures;
  readonly cache: EmbeddingCache;
  readonly embedder: Embedder;
  readonly progress: Progress;
}

/** Embeds what is listed and not in the cache yet, some units at once; every unit is kept as soon as it is there. */
export async function embedMissing({
  folder,
  figures,
  cache,
  embedder,
  progress,
}: EmbedRequest): Promise<void> {
  const file = path.join(folder, listFile);
  if (figures.missing === 0) return;
  const list = new DatabaseSync(file, { readOnly: true });
  try {
    const read = list.prepare('SELECT text FROM missing WHERE place > ? AND place <= ? ORDER BY place');
    const textsOf = (start: number, count: number): string[] =>
      read.all(start, start + count).map((row) => String(row['text']));
    // A unit is in the cache whole or not at all, so its first text tells.
    const left = starts(figures.missing).filter((start) => !cache.has(keyOf(textsOf(start, 1)[0] ?? '')));
    const embedUnit = async (start: number): Promise<Unit> => {
      const texts = textsOf(start, unit);
      return { keys: keysOf(texts), vectors: await embedder.embed(texts) };
    };
    const total = Math.min(left.length * unit, figures.missing);
    let done = 0;
    let synced = performance.now();
    for await (const { keys, vectors } of inOrder(left, embedUnit, (embedder.width ?? 1) + 1)) {
      await cache.append(keys, vectors);
      done += 1;
      if (performance.now() - synced > syncEvery) {
        await cache.sync();
        synced = performance.now();
      }
      progress.update(Math.min(done * unit, total), total, 'texts embedded');
    }
    await cache.sync();
  } finally {
    list.close();
  }
}

/** Removes the list: the build has all its vectors. */
export async function forgetMissing(folder: string): Promise<void> {
  await rm(path.join(folder, listFile), { force: true });
}

interface Unit {
  readonly keys: Uint8Array;
  readonly vectors: Float32Array;
}

function starts(missing: number): number[] {
  return Array.from({ length: Math.ceil(missing / unit) }, (_, at) => at * unit);
}

function keysOf(texts: readonly string[]): Uint8Array {
  const keys = new Uint8Array(texts.length * keyBytes);
  for (const [at, text] of texts.entries()) keys.set(keyOf(text), at * keyBytes);
  return keys;
}
