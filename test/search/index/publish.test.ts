import { lstat, mkdir, readdir, readlink, rm, symlink, writeFile, utimes } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  buildsFolder,
  listBuilds,
  publish,
  publishedBuild,
  sweep,
} from '../../../src/search/index/publish.ts';
import { newPointer } from './given.ts';

let folder: string;
let pointer: string;
beforeEach(async () => {
  ({ folder, pointer } = await newPointer());
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A folder that looks like a build; without a manifest, like one that was killed. */
async function place(id: string, complete = true): Promise<void> {
  await mkdir(path.join(buildsFolder(pointer), id), { recursive: true });
  if (complete) await writeFile(path.join(buildsFolder(pointer), id, 'manifest.json'), '{}');
}

describe('publish', () => {
  it('points by a relative link, from one build to the next', async () => {
    await place('b1');
    await place('b2');
    expect(await publishedBuild(pointer)).toBeUndefined();
    await publish(pointer, 'b1');
    expect(await readlink(pointer)).toBe(path.join('builds', 'b1', 'dense.faiss'));
    expect(await publishedBuild(pointer)).toBe('b1');
    await publish(pointer, 'b2');
    expect(await publishedBuild(pointer)).toBe('b2');
    expect(await readdir(path.dirname(pointer))).toEqual(['builds', 'dense.faiss']);
  });

  it('never leaves a reader without a build', async () => {
    await place('b0');
    await publish(pointer, 'b0');
    const done = new AbortController();
    const seen = new Set<string | undefined>();
    const reading = (async () => {
      while (!done.signal.aborted) seen.add(await publishedBuild(pointer));
    })();
    for (let turn = 0; turn < 50; turn++) await publish(pointer, `b${turn % 3}`);
    done.abort();
    await reading;
    expect([...seen].every((id) => /^b[0-2]$/.test(id ?? ''))).toBe(true);
  });

  it('leaves no draft where it fails', async () => {
    await mkdir(path.join(pointer, 'a folder in its place'), { recursive: true });
    await expect(publish(pointer, 'b1')).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
    expect(await readdir(path.dirname(pointer))).toEqual(['dense.faiss']);
  });
});

describe('publishedBuild', () => {
  it('refuses a file in the place of the link', async () => {
    await mkdir(path.dirname(pointer));
    await writeFile(pointer, 'vectors');
    await expect(publishedBuild(pointer)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringContaining(pointer),
    });
  });
});

describe('sweep', () => {
  it('removes what was killed and what is old, never the published build', async () => {
    for (const id of ['b1', 'b2', 'b3', 'b4']) await place(id);
    await place('b9-killed', false);
    await publish(pointer, 'b1');
    await symlink('nowhere', path.join(path.dirname(pointer), '.dense.faiss.12345678'));
    await writeFile(path.join(path.dirname(pointer), 'other'), 'not ours');
    expect([...(await sweep(pointer, { keep: 2 }))].sort()).toEqual(['b2', 'b9-killed']);
    expect(await listBuilds(pointer)).toEqual(['b1', 'b3', 'b4']);
    expect(await readdir(path.dirname(pointer))).toEqual(['builds', 'dense.faiss', 'other']);
    expect(await sweep(pointer, { keep: 2 })).toEqual([]);
  });

  it('removes what a killed server left of a copy, and leaves one that is being loaded', async () => {
    await place('b1');
    await publish(pointer, 'b1');
    const [old, fresh] = [1, 2].map(
      (digit) => `dense.faiss.${String(digit).repeat(8)}-1111-4111-8111-111111111111`,
    );
    for (const name of [old, fresh])
      await writeFile(path.join(buildsFolder(pointer), 'b1', name ?? ''), 'copy');
    const before = new Date(Date.now() - 3_600_000);
    await utimes(path.join(buildsFolder(pointer), 'b1', old ?? ''), before, before);
    await sweep(pointer, { keep: 2 });
    const left = await readdir(path.join(buildsFolder(pointer), 'b1'));
    expect(left).toContain(fresh);
    expect(left).not.toContain(old);
  });

  it('keeps a published build even where its manifest is gone', async () => {
    await place('b1', false);
    await place('b2');
    await publish(pointer, 'b1');
    expect(await sweep(pointer, { keep: 1 })).toEqual([]);
  });

  it('makes the folder of builds where there is none', async () => {
    expect(await sweep(pointer, { keep: 2 })).toEqual([]);
    expect((await lstat(buildsFolder(pointer))).isDirectory()).toBe(true);
    expect(await listBuilds(pointer)).toEqual([]);
  });
});
