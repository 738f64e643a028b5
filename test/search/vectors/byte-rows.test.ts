import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toByteQuery } from '../../../src/search/vectors/byte-query.ts';
import { factAt, MIDDLE, toByteRows } from '../../../src/search/vectors/byte-rows.ts';
import { readFlatHeader } from '../../../src/search/vectors/faiss-header.ts';
import { loadShard } from '../../../src/search/vectors/shard.ts';
import { finish } from '../../../src/search/vectors/steps.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dimension = 70;
const count = 400;
const headerOf = async (rows: Float32Array) =>
  await readFlatHeader(await writeFlat(path.join(folder, 'rows'), dimension, rows));

const kinds: Readonly<Record<string, (value: number, at: number) => number>> = {
  'like each other': (value) => value,
  'with one dimension a thousand times the others': (value, at) =>
    at % dimension === 3 ? 1000 * value : value,
  'of lengths from tiny to huge': (value, at) => value * 10 ** (((at / dimension) | 0) % 9) * 1e-4,
  'of which some are zero, and a dimension always is': (value, at) =>
    at % dimension === 5 || ((at / dimension) | 0) % 3 === 0 ? 0 : value,
  'smaller than float32 is precise': (value) => value * 1e-42,
  'of which some are that small': (value, at) => value * (((at / dimension) | 0) % 2 === 0 ? 1e-43 : 1e-39),
  'far from zero': (value) => value + 5,
  'that are all the same': () => 0.1,
};

describe('rows as bytes', () => {
  it.each(Object.entries(kinds))('know how far off they are: rows %s', async (_, change) => {
    const rows = noise(count * dimension).map(change);
    const made = finish(
      toByteRows(
        {
          dimension,
          count,
          read: (first, size, into) => {
            // Each row in whole steps of 64 bytes.
            const target = new Float32Array(into.buffer, into.byteOffset, into.byteLength / 4);
            for (let at = 0; at < size; at += 1)
              target.set(rows.subarray((first + at) * dimension, (first + at + 1) * dimension), at * 80);
          },
        },
        0,
      ),
    );
    const codes = new Int8Array(made.memory.buffer, made.codesAt);
    for (const seed of [3, 4, 5]) {
      const query = noise(dimension, seed).map(change);
      const bytes = new Uint8Array(made.stride);
      const { step, queryLoss, norm } = toByteQuery(query, made, bytes);
      expect(bytes.every((byte) => byte >= 1 && byte <= 127)).toBe(true);
      for (let row = 0; row < count; row += 1) {
        let [dot, exact] = [0, 0];
        for (let i = 0; i < dimension; i += 1) {
          dot += (bytes[i]! - MIDDLE) * codes[row * made.stride + i]!;
          exact += query[i]! * rows[row * dimension + i]!;
        }
        const fact = (name: Parameters<typeof factAt>[1]) => made.facts[factAt(row, name)]!;
        const off = queryLoss * fact('length') + norm * fact('loss');
        expect(Math.abs(step * fact('scale') * dot - exact)).toBeLessThanOrEqual(off);
      }
    }
  });

  it.each(Object.entries(kinds))('find what the rows themselves say: rows %s', async (_, change) => {
    const rows = noise(count * dimension).map(change);
    const shard = finish(loadShard({ header: await headerOf(rows), start: 0, end: count }));
    const all = Array.from({ length: count }, (_, row) => row);
    const queries = [6, 7, 8].map((seed) => noise(dimension, seed).map(change));
    const together = shard.search(queries.map((query) => ({ query, k: 10 })));
    for (const [at, query] of queries.entries()) {
      const scores = shard.score(query, all);
      const best = all.toSorted((a, b) => scores[b]! - scores[a]! || a - b).slice(0, 10);
      expect(together[at]).toEqual({ rows: best, scores: best.map((row) => scores[row]) });
      expect(shard.search([{ query, k: 10 }])).toEqual([together[at]]);
    }
  });

  it('never miss a row for another that is no number or has no end', async () => {
    const header = await headerOf(noise(count * dimension));
    const file = await open(header.path, 'r+');
    const put = async (row: number, values: readonly number[]) =>
      await file.write(new Uint8Array(Float32Array.from(values).buffer), {
        position: 45 + 4 * row * dimension,
      });
    await put(2, [Number.NaN]);
    await put(3, [Infinity]);
    await put(
      4,
      Array.from({ length: dimension }, () => 3e38),
    );
    await file.close();
    const shard = finish(loadShard({ header, start: 0, end: count }));
    const query = noise(dimension, 9);
    const scores = shard.score(
      query,
      Array.from({ length: count }, (_, row) => row),
    );
    const best = [...scores.keys()].filter((row) => !Number.isNaN(scores[row]));
    best.sort((a, b) => scores[b]! - scores[a]! || a - b);
    expect(shard.search([{ query, k: 10 }])[0]?.rows).toEqual(best.slice(0, 10));
  });
});
