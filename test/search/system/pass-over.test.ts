import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { passOver } from '../../../src/search/system/disk.ts';

const size = 2.5 * 2 ** 20;

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portiere-pass-over-'));
  file = join(folder, 'file');
  await writeFile(file, new Uint8Array(size));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('passing over a file', () => {
  it('reads all of it', async () => {
    expect(await passOver(file, Infinity)).toBe(size);
    expect(await passOver(file, size)).toBe(size);
  });

  it('reads no more than it may', async () => {
    expect(await passOver(file, 2 ** 20 + 1)).toBe(2 ** 20 + 1);
    expect(await passOver(file, 0)).toBe(0);
    expect(await passOver(file, -1)).toBe(0);
  });

  it('fails where there is none', async () => {
    await expect(passOver(join(folder, 'none'), 1)).rejects.toThrow('ENOENT');
  });
});
