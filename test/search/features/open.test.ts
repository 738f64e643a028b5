import { mkdtempSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PortiereError } from '../../../src/errors.ts';
import { type Features, type FeaturesWish, openFeatures } from '../../../src/search/features/open.ts';

const files = fileURLToPath(new URL('files', import.meta.url));
const old = path.join(files, 'old.h5');
const packed = path.join(files, 'new.h5');
const expected = Array.from({ length: 20 }, (_, at) => at - 7.5);
const folder = mkdtempSync(path.join(tmpdir(), 'portiere-features-'));

async function rowsOf(features: Features): Promise<number[]> {
  const chunks: Float32Array[] = [];
  for await (const chunk of features.chunks()) chunks.push(chunk);
  return chunks.flatMap((chunk) => [...chunk]);
}

async function refused(file: string, wish?: FeaturesWish): Promise<PortiereError> {
  const error: unknown = await openFeatures(file, wish)
    .then(async (features) => await rowsOf(features))
    .catch((reason: unknown) => reason);
  if (!(error instanceof PortiereError)) throw new Error('it was not refused', { cause: error });
  expect(error.code).toBe('FEATURES_INVALID');
  expect(error.hint).toBeDefined();
  return error;
}

async function written(name: string, content: Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('features in HDF5', () => {
  it('are read from an old file, the data sets found by themselves', async () => {
    const features = await openFeatures(old);
    expect(features).toMatchObject({
      dimension: 4,
      count: 5,
      ids: ['a', 'b', 'c', 'd', 'é'].map((name) => `images/${name}.png`),
      names: { vectors: 'features', ids: 'paths' },
    });
    expect(await rowsOf(features)).toEqual(expected);
    expect(await rowsOf(features)).toEqual(expected);
    features.close();
  });

  it('are read from a new one, packed, in doubles, big-endian, in a group', async () => {
    const features = await openFeatures(packed, { vectors: 'train/x', ids: '/train/numbers' });
    expect(features).toMatchObject({
      dimension: 4,
      count: 5,
      ids: [2_100_000_001n, 2_100_000_002n, 3n, 9_007_199_254_740_993n, -5n],
    });
    expect(await rowsOf(features)).toEqual(expected);
    features.close();
    expect((await openFeatures(packed, { vectors: 'train/x', ids: 'train/fixed' })).ids).toEqual([
      'a',
      'bb',
      'c',
      'd',
      'e',
    ]);
  });

  it('may have no ids', async () => {
    const features = await openFeatures(packed, { vectors: 'train/blank' });
    expect(features.ids).toBeUndefined();
    expect(features.names.ids).toBeUndefined();
    features.close();
  });

  it('are brought to norm 1 on request', async () => {
    const features = await openFeatures(old, { normalise: true });
    const rows = await rowsOf(features);
    const norm = Math.hypot(-7.5, -6.5, -5.5, -4.5);
    expect(rows.slice(0, 4)).toEqual([-7.5, -6.5, -5.5, -4.5].map((value) => Math.fround(value / norm)));
    for (let row = 0; row < 5; row += 1)
      expect(Math.hypot(...rows.slice(row * 4, row * 4 + 4))).toBeCloseTo(1, 6);
  });
});

describe('what is refused', () => {
  it('no HDF5 file, an empty one, none at all', async () => {
    const texts = await written('text.h5', Buffer.from('query\tconcept_id\n'.repeat(200)));
    expect((await refused(texts)).message).toBe(`${texts} is no HDF5 file.`);
    expect((await refused(await written('empty.h5', Buffer.alloc(0)))).message).toContain('no HDF5 file');
    expect((await refused(path.join(folder, 'absent.h5'))).message).toContain('cannot be read');
    expect((await refused(folder)).message).toContain('cannot be read');
  });

  it('a data set that is not there, naming those that are', async () => {
    const error = await refused(old, { vectors: 'embeddings' });
    expect(error.message).toContain('has no data set embeddings');
    expect(error.hint).toBe('It has: features (float32 5 x 4), paths (text 5).');
    expect((await refused(old, { ids: 'names' })).message).toContain('no data set names for the ids');
    expect((await refused(packed)).message).toContain('or several, that could be the vectors');
  });

  it.each([
    ['flat', 'flat in .* is float32 20;'],
    ['whole', 'whole in .* is int64 5 x 4;'],
    ['half', 'half in .* is float16 5 x 4;'],
    ['none', 'none in .* is empty: float32 0 x 4'],
    ['scalar', 'scalar in .* is one float64'],
    ['train/fixed', 'is text 5;'],
  ])('vectors that are none: %s', async (vectors, message) => {
    expect((await refused(packed, { vectors })).message).toMatch(new RegExp(message));
  });

  it('ids that are too few, no ids, or repeated', async () => {
    const withIds = async (ids: string) => (await refused(packed, { vectors: 'train/x', ids })).message;
    expect(await withIds('train/short')).toContain('holds 3 ids for 5 vectors');
    expect(await withIds('flat')).toContain('one column of text or integers');
    expect(await withIds('train/twice')).toContain('names 2 of 5 rows a second time');
  });

  it('rows of no numbers, and rows of zeros where a norm is wanted, counted', async () => {
    const damaged = await refused(packed, { vectors: 'train/damaged' });
    expect(damaged.message).toContain('2 of 5 rows of train/damaged');
    expect(damaged.hint).toContain('counted from 0: 1, 3.');
    const blank = await openFeatures(packed, { vectors: 'train/blank' });
    expect(await rowsOf(blank)).toHaveLength(20);
    expect((await refused(packed, { vectors: 'train/blank', normalise: true })).message).toContain(
      '1 of 5 rows',
    );
  });

  it('a file that was cut short, wherever', async () => {
    for (const [name, wish] of [
      ['old.h5', { vectors: 'features', ids: 'paths' }],
      ['new.h5', { vectors: 'train/x', ids: 'train/numbers' }],
    ] as const) {
      const whole = await readFile(path.join(files, name));
      for (let length = 8; length < whole.length; length += 97) {
        await refused(await written('cut.h5', whole.subarray(0, length)), wish);
      }
    }
    expect(
      (await refused(await written('cut.h5', (await readFile(old)).subarray(0, 2_000)))).message,
    ).toContain('cut short or damaged');
  });

  it('a file that was damaged, and none after it', async () => {
    let state = 5;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const ends = new Set<string>();
    for (const name of ['old.h5', 'new.h5']) {
      const whole = await readFile(path.join(files, name));
      const wish = name === 'old.h5' ? {} : { vectors: 'train/x', ids: 'train/numbers' };
      for (let trial = 0; trial < 60; trial += 1) {
        const bytes = Buffer.from(whole);
        for (let flip = 0; flip < 4; flip += 1) bytes[8 + random(bytes.length - 8)] = random(256);
        const end = await openFeatures(await written('damaged.h5', bytes), wish)
          .then(async (features) => {
            const { length } = await rowsOf(features);
            features.close();
            return length > 0 ? 'read' : 'nothing';
          })
          .catch((error: unknown) => (error instanceof PortiereError ? error.code : String(error)));
        ends.add(end);
        expect(await rowsOf(await openFeatures(old))).toEqual(expected);
      }
    }
    expect([...ends].toSorted()).toEqual(['FEATURES_INVALID', 'read']);
  });
});
