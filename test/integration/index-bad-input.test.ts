import { cp, lstat, mkdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Answer, killStrays, newProject, type TestProject } from '../support/cli.ts';
import { smallVocabulary } from '../support/downloads.ts';
import { conceptHeader, conceptLine } from '../support/vocabulary.ts';

let project: TestProject;
let given: string;
let pointer: string;
/** An older build, the published one, and copies of both. */
let older: string;
let published: string;
let kept: string;

const names = (what: string, count: number): Record<number, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [at + 1, `${what} of site ${at + 1}`]));
const folderOf = (build: string): string => join(project.folder, 'index/builds', build);

beforeAll(async () => {
  project = await newProject({ FAISS_INDEX_PATH: 'index/dense.faiss', INDEX_KEEP: '3' });
  given = join(project.folder, 'given');
  kept = join(project.folder, 'kept');
  pointer = join(project.folder, 'index/dense.faiss');
  expect((await project.run(['init', '--yes', '--name', 'bad'])).code).toBe(0);
  const small = await smallVocabulary(join(given, 'small'), names('disorder', 60));
  older = (await project.json(['index', 'build', '--vocabulary', small])).data.id;
  const next = await smallVocabulary(join(given, 'next'), names('disease', 60));
  published = (await project.json(['up', '--vocabulary', next])).data.build;
  await cp(folderOf(older), kept, { recursive: true });
});
beforeEach(async () => {
  await rm(folderOf(older), { recursive: true, force: true });
  await cp(kept, folderOf(older), { recursive: true });
});
afterAll(async () => {
  await project.run(['down']);
  await killStrays();
});

/** Every byte that is published, by its path. */
async function publishedFiles(): Promise<Record<string, string>> {
  const files = ['dense.faiss', 'ids', 'lexical', 'manifest.json'];
  const read = files.map(async (name) => [
    name,
    (await readFile(join(folderOf(published), name))).toString('base64'),
  ]);
  return { pointer: await readlink(pointer), ...Object.fromEntries(await Promise.all(read)) };
}

/** Runs, and sees that what is served is what it was. */
async function refused(
  args: readonly string[],
  options: { env?: Record<string, string> } = {},
): Promise<Answer> {
  const before = await publishedFiles();
  const answer = await project.json(args, options);
  expect(await publishedFiles()).toEqual(before);
  const served = await project.get('/v1/search?q=disease');
  expect(await served.json()).toMatchObject({ build: published });
  expect(answer.ok).toBe(false);
  expect(answer.error?.hint ?? '').not.toBe('');
  return answer;
}

/** What is wrong with a build's files: who did it, and what the error has to name. */
const damages: Readonly<Record<string, readonly [(folder: string) => Promise<unknown>, string]>> = {
  'a dense file that was cut': [(folder) => truncate(join(folder, 'dense.faiss'), 5000), 'dense.faiss'],
  'a dense file of another build of its size': [
    (folder) => cp(join(folderOf(published), 'dense.faiss'), join(folder, 'dense.faiss')),
    'dense.faiss',
  ],
  'a page in place of the dense file': [
    (folder) => writeFile(join(folder, 'dense.faiss'), '<html>'.repeat(40_000)),
    'dense.faiss',
  ],
  'no lexical file': [(folder) => rm(join(folder, 'lexical')), 'lexical'],
  'ids with one byte that is another': [
    async (folder) => {
      const bytes = await readFile(join(folder, 'ids'));
      bytes[8] = (bytes[8] ?? 0) + 1;
      await writeFile(join(folder, 'ids'), bytes);
    },
    'ids',
  ],
  'a manifest of a newer format': [
    async (folder) => {
      const file = join(folder, 'manifest.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
      await writeFile(file, JSON.stringify({ ...manifest, format: 99 }));
    },
    'format 99',
  ],
  'a manifest that was cut': [(folder) => truncate(join(folder, 'manifest.json'), 100), 'manifest.json'],
};

describe('a build with', () => {
  it.each(Object.entries(damages))('%s is neither published nor found good', async (_, [damage, thing]) => {
    await damage(folderOf(older));
    for (const verb of ['rollback', 'verify']) {
      const answer = await refused(['index', verb, older]);
      expect(answer.error).toMatchObject({ code: 'INDEX_INVALID' });
      expect(JSON.stringify(answer.error)).toContain(thing);
    }
  });

  it('vectors of another model is not published', async () => {
    const file = join(folderOf(older), 'manifest.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { embedding: object };
    await writeFile(
      file,
      JSON.stringify({ ...manifest, embedding: { ...manifest.embedding, dimension: 64 } }),
    );
    const answer = await refused(['index', 'rollback', older]);
    expect(answer.error).toMatchObject({ code: 'INDEX_INVALID', message: expect.stringContaining('64') });
  });
});

describe('index inspect', () => {
  const cases: Readonly<Record<string, readonly [Buffer | undefined, string, string]>> = {
    'of what is not there': [undefined, 'INDEX_MISSING', 'absent'],
    'of an empty file': [Buffer.alloc(0), 'INDEX_INVALID', '0 bytes'],
    'of a table': [Buffer.from(`${conceptHeader}\n`), 'INDEX_INVALID', 'FAISS'],
    'of a header that was cut': [Buffer.from('IxFI\x01\x00\x00\x00', 'latin1'), 'INDEX_INVALID', '8 bytes'],
    'of a header of no dimension': [
      Buffer.concat([Buffer.from('IxFI'), Buffer.alloc(60)]),
      'INDEX_INVALID',
      'dimension',
    ],
  };
  it.each(Object.entries(cases))('%s says why', async (name, [bytes, code, thing]) => {
    const file = join(given, bytes === undefined ? 'absent' : name.replaceAll(' ', '-'));
    if (bytes !== undefined) await writeFile(file, bytes);
    const answer = await refused(['index', 'inspect', file]);
    expect(answer.error).toMatchObject({ code, message: expect.stringContaining(thing) });
  });
});

describe('index build', () => {
  it('names a concept that is there twice', async () => {
    const folder = join(given, 'twice');
    await mkdir(folder, { recursive: true });
    const lines = [conceptHeader, conceptLine(1), conceptLine(2), conceptLine(2)];
    await writeFile(join(folder, 'CONCEPT.csv'), `${lines.join('\n')}\n`);
    const answer = await refused(['index', 'build', '--vocabulary', folder]);
    expect(answer.error).toMatchObject({ code: 'VOCABULARY_ROWS' });
    expect(JSON.stringify(answer.error)).toContain('concept_id');
  });

  it('names the files that a model’s folder lacks', async () => {
    const folder = join(given, 'models/own/model');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), '{}');
    const env = { EMBEDDING_MODEL: 'own/model', MODEL_DIR: join(given, 'models') };
    const answer = await refused(['index', 'build'], { env });
    expect(answer.error).toMatchObject({ code: 'MODEL_UNKNOWN' });
    expect(JSON.stringify(answer.error?.problems)).toContain('tokenizer.json');
    expect(JSON.stringify(answer.error?.problems)).not.toContain('lacks config.json');
  });

  it('leaves out a concept without a name, with a warning, and takes a name of a megabyte', async () => {
    const folder = await smallVocabulary(join(given, 'odd'), {
      ...names('disorder', 20),
      100: '',
      101: `long ${'x'.repeat(2 ** 20)}`,
    });
    const out = { env: { FAISS_INDEX_PATH: 'elsewhere/dense.faiss' } };
    const built = await project.json(['index', 'build', '--vocabulary', folder], out);
    expect(built.data.counts).toMatchObject({ concepts: 21, names: 21 });
    expect(JSON.stringify(built)).toContain('left out: 1');
    expect((await project.json(['index', 'verify'], out)).ok).toBe(true);
    expect((await lstat(pointer)).isSymbolicLink()).toBe(true);
  });

  it('names a file of features that is none, before anything is made', async () => {
    const file = join(given, 'features.h5');
    await writeFile(file, 'no HDF5');
    const answer = await refused(['index', 'build', '--source', file, '--out', join(given, 'images')]);
    expect(answer.error).toMatchObject({ code: 'FEATURES_INVALID' });
    await expect(lstat(join(given, 'images'))).rejects.toThrow(/ENOENT/);
  });
});
