import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withEfSearch } from '../../../src/search/vectors/ef-search.ts';
import { inspectFaiss } from '../../../src/search/vectors/faiss-header.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';
import { graphBytes } from './graph-given.ts';

describe('a graph that is to look further than its file says', () => {
  let folder: string;
  let graph: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    graph = path.join(folder, 'graph');
    await writeFile(graph, graphBytes());
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const seen = async (file: string) => ({ file, efSearch: (await inspectFaiss(file)).hnsw?.efSearch });

  it('is loaded from a patched copy, of which nothing stays; its own file is left alone', async () => {
    const loaded = await withEfSearch(graph, 200, seen);
    expect(loaded).toMatchObject({ efSearch: 200 });
    expect(loaded.file).not.toBe(graph);
    expect((await readFile(graph)).equals(graphBytes())).toBe(true);
    expect(await readdir(folder)).toEqual(['graph']);
  });

  it('is loaded as it is where that is what is asked, or nothing', async () => {
    for (const efSearch of [undefined, 16])
      expect(await withEfSearch(graph, efSearch, seen)).toEqual({ file: graph, efSearch: 16 });
    const flat = await writeFlat(path.join(folder, 'flat'), 4, noise(8));
    expect(await withEfSearch(flat, 200, async (file) => await Promise.resolve(file))).toBe(flat);
    await rm(flat);
  });

  it('leaves no copy where loading fails, or the number can be none', async () => {
    const fails = async () => await Promise.reject(new Error('no memory'));
    await expect(withEfSearch(graph, 200, fails)).rejects.toThrow('no memory');
    await expect(withEfSearch(graph, 65_537, seen)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readdir(folder)).toEqual(['graph']);
  });

  it.skipIf(process.getuid?.() === 0)(
    'is copied elsewhere where nothing may be written beside it',
    async () => {
      await chmod(folder, 0o555);
      const loaded = await withEfSearch(graph, 200, seen).finally(async () => await chmod(folder, 0o755));
      expect(path.dirname(loaded.file)).not.toBe(folder);
    },
  );
});
