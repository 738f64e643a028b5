import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFlatWriter } from '../../../src/search/vectors/flat-writer.ts';
import { inspectFaiss, readFlatHeader } from '../../../src/search/vectors/faiss-header.ts';
import { noise, temporaryFolder, writeFlat } from './given.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const invalid = (named: string) => ({ code: 'INDEX_INVALID', message: expect.stringContaining(named) });

describe('writing a flat index', () => {
  it('writes the bytes FAISS writes', async () => {
    const file = await writeFlat(path.join(folder, 'bytes'), 2, Float32Array.from([1, 2, -1, 0.5, 0, 0]));
    // type, dimension, rows, two reserved, trained, metric, count of numbers; the numbers
    const header =
      '49784649 02000000 0300000000000000 0000100000000000 0000100000000000 01 00000000 0600000000000000';
    const numbers = '0000803f 00000040 000080bf 0000003f 00000000 00000000';
    expect((await readFile(file)).toString('hex')).toBe(`${header}${numbers}`.replaceAll(' ', ''));
  });

  it('comes back the same, however it was divided', async () => {
    const rows = noise(7 * 5);
    const writer = await createFlatWriter(path.join(folder, 'parts'), { dimension: 5 });
    await writer.append(rows.subarray(0, 10));
    await writer.append(rows.subarray(10, 10));
    await writer.append(rows.subarray(10));
    expect(await writer.finish()).toBe(7);
    const whole = await writeFlat(path.join(folder, 'whole'), 5, rows);
    expect(await readFile(path.join(folder, 'parts'))).toEqual(await readFile(whole));
    expect(await readFlatHeader(whole)).toEqual({ path: whole, dimension: 5, count: 7 });
  });

  it('is not a valid index until it is finished', async () => {
    const file = path.join(folder, 'unfinished');
    const writer = await createFlatWriter(file, { dimension: 2 });
    await writer.append(noise(4));
    await expect(readFlatHeader(file)).rejects.toMatchObject(invalid('bytes after its end'));
    await writer.abandon();
  });

  it('replaces what is there and may be empty', async () => {
    const file = await writeFlat(path.join(folder, 'empty'), 3, noise(30));
    await writeFlat(file, 4, new Float32Array(0));
    expect(await readFlatHeader(file)).toMatchObject({ dimension: 4, count: 0 });
  });

  it.each([
    ['half a row', [1, 2, 3], 'whole rows'],
    ['not a number', [1, 2, Number.NaN, 0], 'row 1'],
    ['infinity', [Infinity, 2], 'row 0'],
  ])('refuses %s', async (_, numbers, named) => {
    const writer = await createFlatWriter(path.join(folder, 'refused'), { dimension: 2 });
    await expect(writer.append(Float32Array.from(numbers))).rejects.toThrow(named);
    await writer.abandon();
  });
});

describe('reading the header', () => {
  it('accepts no other byte anywhere in it', async () => {
    const file = await writeFlat(path.join(folder, 'sound'), 4, noise(12));
    const bytes = await readFile(file);
    const broken = path.join(folder, 'flipped');
    for (let at = 0; at < 45; at += 1) {
      for (const bit of [1, 0x80]) {
        const copy = Buffer.from(bytes);
        copy[at]! ^= bit;
        await writeFile(broken, copy);
        await expect(readFlatHeader(broken), `byte ${at}, bit ${bit}`).rejects.toMatchObject(invalid(broken));
      }
    }
  });

  it('accepts no length but its own', async () => {
    const bytes = await readFile(await writeFlat(path.join(folder, 'sound'), 4, noise(12)));
    const broken = path.join(folder, 'length');
    for (const length of [0, 3, 20, 36, 37, 44, 45, bytes.length - 1]) {
      await writeFile(broken, bytes.subarray(0, length));
      await expect(readFlatHeader(broken), `${length} bytes`).rejects.toMatchObject(invalid(broken));
    }
    await writeFile(broken, Buffer.concat([bytes, Buffer.from([0])]));
    await expect(readFlatHeader(broken)).rejects.toMatchObject(invalid('bytes after its end'));
  });

  it.each([
    ['another type', (bytes: Buffer) => bytes.write('IxF2', 0), '"IxF2"'],
    ['another metric', (bytes: Buffer) => bytes.writeInt32LE(1, 33), 'L2'],
    ['dimension 0', (bytes: Buffer) => bytes.writeInt32LE(0, 4), 'dimension is 0'],
    ['a negative dimension', (bytes: Buffer) => bytes.writeInt32LE(-4, 4), 'dimension is -4'],
    ['a negative count', (bytes: Buffer) => bytes.writeBigInt64LE(-1n, 8), 'row count is -1'],
    ['no training', (bytes: Buffer) => bytes.writeUInt8(0, 32), 'not trained'],
    ['no type', (bytes: Buffer) => bytes.writeInt32LE(0, 0), 'FAISS type'],
  ])('says what is wrong: %s', async (_, change, named) => {
    const bytes = await readFile(await writeFlat(path.join(folder, 'sound'), 4, noise(12)));
    change(bytes);
    const file = path.join(folder, 'changed');
    await writeFile(file, bytes);
    await expect(readFlatHeader(file)).rejects.toMatchObject(invalid(named));
  });

  it('tells an absent file and a folder apart from a bad one', async () => {
    await expect(readFlatHeader(path.join(folder, 'absent'))).rejects.toMatchObject({
      code: 'INDEX_MISSING',
    });
    await expect(readFlatHeader(folder)).rejects.toMatchObject(invalid(folder));
  });

  it('describes an index it would not search', async () => {
    const bytes = await readFile(await writeFlat(path.join(folder, 'sound'), 4, noise(12)));
    bytes.write('IwFl', 0);
    bytes.writeInt32LE(1, 33);
    const file = path.join(folder, 'other');
    await writeFile(file, bytes);
    expect(await inspectFaiss(file)).toEqual({
      path: file,
      fourcc: 'IwFl',
      metric: 'L2',
      dimension: 4,
      count: 3,
      trained: true,
      bytes: 93,
    });
  });
});
