import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PortiereError } from '../../../src/errors.ts';
import { openBundle } from '../../../src/search/vocabulary/bundle.ts';
import { conceptHeader, conceptLine } from '../../support/vocabulary.ts';
import { zipOf, type ZipEntry } from '../../support/zip.ts';

const concepts = [conceptHeader, conceptLine(1), conceptLine(2), ''].join('\n');
const domains = 'domain_id\tdomain_name\tdomain_concept_id\n';
const concept: ZipEntry = { name: 'CONCEPT.csv', content: concepts };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portiere-bundle-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function zip(...entries: readonly ZipEntry[]): Promise<string> {
  const path = join(folder, 'download.zip');
  await writeFile(path, zipOf(entries));
  return path;
}

async function readAll(path: string): Promise<string> {
  const bundle = await openBundle(path);
  try {
    let text = '';
    for await (const chunk of await bundle.stream('CONCEPT')) text += String(chunk);
    return text;
  } finally {
    await bundle.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const bundle = await openBundle(path);
  try {
    return await bundle.digest();
  } finally {
    await bundle.close();
  }
}

describe('a sound download', () => {
  it('reads the same from a zip, deflated or stored, and from a folder, in any case and below one folder', async () => {
    const plain = join(folder, 'plain');
    const nested = join(folder, 'nested');
    await mkdir(plain);
    await mkdir(join(nested, 'vocabulary'), { recursive: true });
    await writeFile(join(plain, 'concept.CSV'), concepts);
    await writeFile(join(plain, 'DOMAIN.csv'), domains);
    await writeFile(join(plain, 'readme.txt'), 'not a table');
    await writeFile(join(nested, 'vocabulary/CONCEPT.csv'), concepts);
    await writeFile(join(nested, 'vocabulary/domain.csv'), domains);
    const domain = { name: 'DOMAIN.csv', content: domains };
    const digest = await digestOf(plain);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestOf(nested)).toBe(digest);
    expect(await digestOf(await zip(domain, { name: 'cpt4.jar', content: 'x' }, concept))).toBe(digest);
    expect(await digestOf(await zip({ ...concept, stored: true }, domain))).toBe(digest);
    const below = await zip(
      { name: 'v5/', content: '', stored: true, mode: 0o040755 },
      { name: 'v5/Concept.csv', content: concepts },
      { name: 'v5/domain.csv', content: domains },
      { name: '__MACOSX/._CONCEPT.csv', content: 'resource fork' },
    );
    expect(await digestOf(below)).toBe(digest);
    expect(await readAll(below)).toBe(concepts);
    expect(await readAll(plain)).toBe(concepts);
  });

  it('has another digest with another byte or another table', async () => {
    const digest = await digestOf(await zip(concept));
    expect(await digestOf(await zip({ ...concept, content: concepts.replace('name 1', 'name 3') }))).not.toBe(
      digest,
    );
    expect(await digestOf(await zip(concept, { name: 'DOMAIN.csv', content: '' }))).not.toBe(digest);
  });

  it('lists table sizes and says which tables are not there', async () => {
    const bundle = await openBundle(await zip(concept));
    expect(bundle.kind).toBe('zip');
    expect([...bundle.tables]).toEqual([['CONCEPT', { size: Buffer.byteLength(concepts) }]]);
    await expect(bundle.stream('CONCEPT_SYNONYM')).rejects.toMatchObject({ code: 'VOCABULARY_FILE_MISSING' });
    await bundle.close();
  });

  it('can be left in the middle of a stream', async () => {
    const bundle = await openBundle(await zip({ ...concept, content: concepts.repeat(20_000) }));
    for await (const chunk of await bundle.stream('CONCEPT')) {
      expect(chunk).toBeInstanceOf(Buffer);
      break;
    }
    await bundle.close();
    await bundle.close();
  });
});

describe('what is not a download', () => {
  it('VOCABULARY_NOT_FOUND: nothing there', async () => {
    await expect(openBundle(join(folder, 'nothing.zip'))).rejects.toMatchObject({
      code: 'VOCABULARY_NOT_FOUND',
      message: expect.stringContaining('nothing.zip') as string,
    });
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openBundle(join(file, 'below'))).rejects.toMatchObject({ code: 'VOCABULARY_NOT_FOUND' });
  });

  it('VOCABULARY_FILE_MISSING: no CONCEPT.csv', async () => {
    await expect(openBundle(folder)).rejects.toMatchObject({ code: 'VOCABULARY_FILE_MISSING' });
    const path = await zip({ name: 'a/b/CONCEPT.csv', content: concepts });
    await expect(openBundle(path)).rejects.toMatchObject({ code: 'VOCABULARY_FILE_MISSING' });
  });

  it('PERMISSION_DENIED: not readable by us', async ({ skip }) => {
    const isRoot = process.getuid?.() === 0;
    if (process.platform === 'win32' || (isRoot && !isMainThread))
      skip('no user to take the permission from');
    const closed = join(folder, 'closed.zip');
    await writeFile(closed, zipOf([concept]));
    await chmod(closed, 0);
    await chmod(folder, 0o755);
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(openBundle(closed)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('SOURCE_CHANGED: a file shorter than it was listed', async () => {
    await writeFile(join(folder, 'CONCEPT.csv'), concepts);
    const bundle = await openBundle(folder);
    await truncate(join(folder, 'CONCEPT.csv'), 20);
    await expect(bundle.digest()).rejects.toMatchObject({ code: 'SOURCE_CHANGED', exitCode: 9 });
    await rm(join(folder, 'CONCEPT.csv'));
    await expect(bundle.digest()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});

describe('VOCABULARY_ARCHIVE_INVALID', () => {
  const invalid = (words: string): object => ({
    code: 'VOCABULARY_ARCHIVE_INVALID',
    exitCode: 3,
    message: expect.stringContaining(words) as string,
    hint: expect.stringMatching(/./) as string,
  });

  it('not a zip: another file, an empty file, a device', async () => {
    const path = join(folder, 'CONCEPT.csv');
    await writeFile(path, concepts);
    await expect(openBundle(path)).rejects.toMatchObject(invalid('not a sound zip'));
    await writeFile(path, '');
    await expect(openBundle(path)).rejects.toMatchObject(invalid('not a sound zip'));
    if (process.platform === 'win32') return;
    await expect(openBundle('/dev/null')).rejects.toMatchObject(invalid('neither'));
  });

  it('a zip cut anywhere, or with a byte flipped in its data, is never read as sound', async () => {
    const bytes = zipOf([{ ...concept, content: concepts.repeat(50) }]);
    const path = join(folder, 'cut.zip');
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readAll(path), `cut at ${length}`).rejects.toMatchObject({
        code: 'VOCABULARY_ARCHIVE_INVALID',
      });
    }
    const dataStart = 30 + 'CONCEPT.csv'.length;
    for (let at = dataStart; at < bytes.length - 80; at += 5) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 0x10;
      await writeFile(path, flipped);
      await expect(readAll(path), `flipped at ${at}`).rejects.toMatchObject({
        code: 'VOCABULARY_ARCHIVE_INVALID',
      });
    }
  });

  it('random damage anywhere in a zip gives the same bytes or an error of ours', async () => {
    const bytes = zipOf([concept, { name: 'DOMAIN.csv', content: domains, stored: true }]);
    const path = join(folder, 'damaged.zip');
    const damage = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (damage) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of damage) damaged[at] = value;
        await writeFile(path, damaged);
        try {
          expect(await readAll(path)).toBe(concepts);
        } catch (error) {
          expect(error).toBeInstanceOf(PortiereError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a CRC32 or a size that its bytes do not have', async () => {
    const size = Buffer.byteLength(concepts);
    await expect(readAll(await zip({ ...concept, declaredCrc: 1 }))).rejects.toMatchObject(invalid('CRC32'));
    await expect(readAll(await zip({ ...concept, declaredSize: size + 1 }))).rejects.toMatchObject(
      invalid('declared'),
    );
    await expect(readAll(await zip({ ...concept, declaredSize: size - 1 }))).rejects.toMatchObject(
      invalid('more found'),
    );
    const stored = await zip({ ...concept, stored: true, declaredSize: size - 1 });
    await expect(readAll(stored)).rejects.toMatchObject(invalid('mismatch'));
  });

  it.each(['../CONCEPT.csv', 'a/../../CONCEPT.csv', '/CONCEPT.csv', 'C:/CONCEPT.csv', 'a\\CONCEPT.csv'])(
    'the path %s',
    async (name) => {
      await expect(openBundle(await zip(concept, { name, content: 'x' }))).rejects.toMatchObject(
        invalid(name),
      );
    },
  );

  it.each<[string, Partial<ZipEntry>]>([
    ['a symbolic link', { mode: 0o120777 }],
    ['a special file', { mode: 0o060644 }],
    ['encrypted', { flags: 0x0801 }],
    ['strong encryption', { flags: 0x0841 }],
    ['method 9', { method: 9 }],
  ])('an entry that is %s', async (words, lie) => {
    await expect(openBundle(await zip({ ...concept, ...lie }))).rejects.toMatchObject(invalid(words));
  });

  it('the same table twice, under one name, in another case, in another folder', async () => {
    await expect(openBundle(await zip(concept, concept))).rejects.toMatchObject(invalid('twice'));
    const otherCase = await zip(concept, { ...concept, name: 'concept.csv' });
    await expect(openBundle(otherCase)).rejects.toMatchObject(invalid('different case'));
    const otherFolder = await zip(concept, { name: 'a/DOMAIN.csv', content: domains });
    await expect(openBundle(otherFolder)).rejects.toMatchObject(invalid('another folder'));
    await writeFile(join(folder, 'CONCEPT.csv'), concepts);
    await writeFile(join(folder, 'concept.csv'), concepts);
    await expect(openBundle(folder)).rejects.toMatchObject(invalid('different case'));
  });

  it('bombs: too much declared for its bytes, entries sharing bytes, thousands of entries', async () => {
    const huge = await zip({ ...concept, declaredSize: 4_000_000_000 });
    await expect(openBundle(huge)).rejects.toMatchObject(invalid('4000000000 bytes'));
    const shared = await zip(concept, { name: 'DOMAIN.csv', content: concepts, sameBytesAs: 0 });
    await expect(openBundle(shared)).rejects.toMatchObject(invalid('same bytes'));
    const many = await zip(...Array.from({ length: 1_001 }, (_, at) => ({ name: `f${at}`, content: '' })));
    await expect(openBundle(many)).rejects.toMatchObject(invalid('1000 entries'));
  });

  it('a folder whose CONCEPT.csv is a folder; a link to a file is followed', async () => {
    await mkdir(join(folder, 'bad', 'CONCEPT.csv'), { recursive: true });
    await expect(openBundle(join(folder, 'bad'))).rejects.toMatchObject(invalid('regular file'));
    await mkdir(join(folder, 'dangling'));
    await symlink(join(folder, 'nothing'), join(folder, 'dangling', 'CONCEPT.csv'));
    await expect(openBundle(join(folder, 'dangling'))).rejects.toMatchObject(invalid('regular file'));
    await writeFile(join(folder, 'real'), concepts);
    await symlink(join(folder, 'real'), join(folder, 'CONCEPT.csv'));
    expect(await readAll(folder)).toBe(concepts);
  });
});
