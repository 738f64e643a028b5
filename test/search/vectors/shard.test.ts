import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFlatHeader } from '../../../src/search/vectors/faiss-header.ts';
import { loadShard } from '../../../src/search/vectors/shard.ts';
import { finish } from '../../../src/search/vectors/steps.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('searching part of an index', () => {
  it.each([1, 2, 3, 4, 15, 16, 17, 33, 384])(
    'agrees with plain arithmetic at dimension %i',
    async (dimension) => {
      const count = 1030;
      const rows = noise(count * dimension);
      const header = await readFlatHeader(
        await writeFlat(path.join(folder, `d${dimension}`), dimension, rows),
      );
      const [start, end] = [3, 1029];
      const shard = finish(loadShard({ header, start, end }));
      const query = noise(dimension, 7);
      const exact = (row: number) =>
        query.reduce((sum, value, at) => sum + value * rows[row * dimension + at]!, 0);

      const inRange = Array.from({ length: end - start }, (_, at) => start + at);
      const scores = shard.score(query, inRange);
      for (const [at, row] of inRange.entries()) expect(scores[at]).toBeCloseTo(exact(row), 4);

      const [hits] = shard.search([{ query, k: 10 }]);
      const order = inRange.toSorted((a, b) => scores[b - start]! - scores[a - start]! || a - b);
      expect(hits?.rows).toEqual(order.slice(0, 10));
      expect(hits?.scores).toEqual(hits?.rows.map((row) => scores[row - start]));
    },
  );

  it('filters before it counts, whole blocks too', async () => {
    const rows = noise(3000 * 4);
    const header = await readFlatHeader(await writeFlat(path.join(folder, 'filtered'), 4, rows));
    const shard = finish(loadShard({ header, start: 0, end: 3000 }));
    const allowed = new Uint8Array(3000);
    for (const row of [2, 1500, 1501, 2999]) allowed[row] = 1;
    const query = noise(4, 3);
    const [some, none] = shard.search([
      { query, k: 10, allowed },
      { query, k: 10, allowed: new Uint8Array(3000) },
    ]);
    expect(some?.rows.toSorted((a, b) => a - b)).toEqual([2, 1500, 1501, 2999]);
    expect(none).toEqual({ rows: [], scores: [] });
  });

  it('says so when the file became shorter', async () => {
    const file = await writeFlat(path.join(folder, 'shrunk'), 4, noise(40));
    const header = await readFlatHeader(file);
    await truncate(file, 100);
    expect(() => finish(loadShard({ header, start: 0, end: 10 }))).toThrow(
      expect.objectContaining({ code: 'INDEX_INVALID', message: expect.stringContaining(file) }),
    );
  });
});
