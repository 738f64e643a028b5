import { open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hashingEmbedder } from '../../../src/search/embed/hashing.ts';
import { guardKept } from '../../../src/search/index/canaries.ts';
import { fileNames, fingerprint, type Manifest, readManifest } from '../../../src/search/index/manifest.ts';
import { openPublished } from '../../../src/search/index/open.ts';
import { buildsFolder, publish, publishedBuild } from '../../../src/search/index/publish.ts';
import { sourceOfBuild } from '../../../src/search/index/reuse.ts';
import { validateBuild } from '../../../src/search/index/validate.ts';
import { build, buildAndPublish, concept, concepts, embedder, memorySource, newPointer } from './given.ts';

let folder: string;
let pointer: string;
beforeEach(async () => {
  ({ folder, pointer } = await newPointer());
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const fileOf = ({ id }: Manifest, name: keyof typeof fileNames): string =>
  path.join(buildsFolder(pointer), id, fileNames[name]);
const openIt = async (other = embedder) =>
  await openPublished({ pointer, embedder: other, engine: 'native' });

describe('buildIndex', () => {
  it('writes the files that its manifest describes, and publishes nothing', async () => {
    const manifest = await build(pointer);
    expect(await publishedBuild(pointer)).toBeUndefined();
    expect(manifest).toMatchObject({
      format: 3,
      portiere: '1.2.3',
      created_at: '2026-01-02T03:04:05.678Z',
      source: { kind: 'bundle', label: 'memory', version: 'v1', select: [], unusable_rows: 0 },
      embedding: { provider: 'hashing' },
      dense: { dimension: 32, count: 8 },
      counts: {
        concepts: 6,
        names: 6,
        synonyms: 2,
        mappings: 2,
        ancestors: 2,
        zero_vectors: 1,
        vocabularies: { SNOMED: 4, ICD10CM: 1, RxNorm: 1 },
      },
    });
    expect(await readManifest(path.join(buildsFolder(pointer), manifest.id))).toEqual(manifest);
    for (const name of ['dense', 'ids', 'lexical'] as const)
      expect(manifest.files[fileNames[name]]).toEqual(await fingerprint(fileOf(manifest, name)));
  });

  it('opens to what went in, and finds it', async () => {
    const { id } = await buildAndPublish(pointer);
    const opened = await openIt();
    try {
      expect(opened.manifest.id).toBe(id);
      expect([...opened.conceptIds]).toEqual([1, 2, 3, 4, 5, 6, 2, 4]);
      expect(opened.lexical.page(3)).toMatchObject({
        concept: { concept_code: 'I21.9' },
        maps_to: [{ concept_id: 2 }],
      });
      expect(opened.lexical.page(2)).toMatchObject({
        synonyms: ['Heart attack'],
        ancestors: [{ concept_id: 1 }],
      });
      const { rows } = await opened.dense.search(await embedder.embed(['heart attack']), 1);
      expect(rows).toEqual([6]);
    } finally {
      await opened.close();
    }
  });

  it('never overwrites a build of the same second', async () => {
    const first = await buildAndPublish(pointer);
    const second = await build(pointer);
    expect(second.id).not.toBe(first.id);
    expect(second.id > first.id).toBe(true);
    expect((await readdir(buildsFolder(pointer))).sort()).toEqual([first.id, second.id]);
  });

  it('leaves no folder where it fails, and says why', async () => {
    const broken = memorySource({
      // oxlint-disable-next-line require-yield -- a table that cannot be read
      async *ancestors() {
        throw new Error('the source broke');
      },
    });
    await expect(build(pointer, { source: broken })).rejects.toThrow('the source broke');
    const twice = memorySource({ rows: [...concepts, concept(2, 'Again')] });
    await expect(build(pointer, { source: twice })).rejects.toMatchObject({ code: 'VOCABULARY_ROWS' });
    expect(await readdir(buildsFolder(pointer))).toEqual([]);
  });
});

describe('a build that was broken off', () => {
  const bytesOf = async (manifest: Manifest): Promise<readonly Buffer[]> =>
    await Promise.all(
      (['dense', 'ids', 'lexical'] as const).map(async (name) => await readFile(fileOf(manifest, name))),
    );
  const failing = (calls: number) => {
    let left = calls;
    return {
      ...embedder,
      embed: async (texts: readonly string[]) => {
        left -= 1;
        if (left < 0) throw new Error('no vectors');
        return await embedder.embed(texts);
      },
    };
  };

  it('is taken up by the next one of the same recipe, and ends in the same bytes', async () => {
    const whole = await build(pointer);
    await expect(build(pointer, { embedder: failing(0) })).rejects.toThrow('no vectors');
    const [, left] = (await readdir(buildsFolder(pointer))).toSorted();
    const unread = memorySource({
      concepts() {
        throw new Error('read again');
      },
    });
    const resumed = await build(pointer, { source: unread, now: new Date('2027-01-01') });
    expect(resumed.id).toBe(left);
    expect(await bytesOf(resumed)).toEqual(await bytesOf(whole));
    const timeless = ({ id, created_at, ...rest }: Manifest) => ({ ...rest, times: [id, created_at].length });
    expect(timeless(resumed)).toEqual(timeless(whole));
    expect((await readdir(path.dirname(fileOf(resumed, 'ids')))).toSorted()).toEqual(
      ['dense.faiss', 'ids', 'lexical', 'manifest.json'].toSorted(),
    );
  });

  it('is left alone by one of another recipe', async () => {
    await expect(build(pointer, { embedder: failing(0) })).rejects.toThrow('no vectors');
    const [left] = await readdir(buildsFolder(pointer));
    const other = await build(pointer, { source: { ...memorySource(), digest: 'beefbeef' } });
    expect(other.id).not.toBe(left);
    expect((await readdir(buildsFolder(pointer))).length).toBe(2);
  });

  it('is not kept where it turned out not to be sound', async () => {
    let calls = 0;
    const changing = {
      ...embedder,
      embed: async (texts: readonly string[]) =>
        await embedder.embed(calls++ === 0 ? texts.toReversed() : texts),
    };
    await expect(build(pointer, { embedder: changing })).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    expect(await readdir(buildsFolder(pointer))).toEqual([]);
  });
});

describe('a build that takes over half of another', () => {
  it('links its full text and embeds anew, or the other way round', async () => {
    const whole = await buildAndPublish(pointer);
    const of = (half: 'lexical' | 'dense', manifest = whole) => ({
      half,
      manifest,
      folder: path.dirname(fileOf(manifest, 'ids')),
    });
    const dense = await build(pointer, { source: sourceOfBuild(whole), reuse: of('lexical') });
    expect(dense.counts).toEqual(whole.counts);
    expect(dense.files).toEqual(whole.files);
    expect((await stat(fileOf(dense, 'lexical'))).ino).toBe((await stat(fileOf(whole, 'lexical'))).ino);
    expect((await stat(fileOf(dense, 'dense'))).ino).not.toBe((await stat(fileOf(whole, 'dense'))).ino);
    const lexical = await build(pointer, { reuse: of('dense') });
    expect(lexical.files).toEqual(whole.files);
    expect((await stat(fileOf(lexical, 'dense'))).ino).toBe((await stat(fileOf(whole, 'dense'))).ino);
  });

  it('refuses vectors of other terms', async () => {
    const manifest = await buildAndPublish(pointer);
    const reuse = { half: 'dense', manifest, folder: path.dirname(fileOf(manifest, 'ids')) } as const;
    const reworded = concepts.map((one, at) => (at === 3 ? { ...one, concept_name: 'Reworded' } : one));
    const source = memorySource({ rows: reworded });
    await expect(build(pointer, { source, reuse })).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(/other texts/),
    });
  });
});

describe('canaries', () => {
  const drifting = {
    ...embedder,
    embed: async (texts: readonly string[]) => await embedder.embed(texts.map((text) => `${text} x`)),
  };

  it('refuse an embedder of the same name that computes otherwise', async () => {
    await buildAndPublish(pointer);
    await expect(openIt(drifting)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(/computes other vectors .* "Myocardial infarction"/),
    });
  });

  it('guard vectors that are kept from being taken for those of another processor', async () => {
    const kept = path.join(folder, 'kept');
    await guardKept(kept, embedder);
    await guardKept(kept, embedder);
    await expect(guardKept(kept, drifting)).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(/computes other vectors than those kept in .*kept/),
      hint: expect.stringMatching(/remove the folder/),
    });
  });
});

describe('validateBuild', () => {
  const refused = async (manifest: Manifest, message: RegExp) => {
    await expect(
      validateBuild(path.dirname(fileOf(manifest, 'ids')), manifest, embedder),
    ).rejects.toMatchObject({
      code: 'INDEX_INVALID',
      message: expect.stringMatching(message),
    });
  };

  it('accepts what was built', async () => {
    const manifest = await build(pointer);
    await validateBuild(path.dirname(fileOf(manifest, 'ids')), manifest, embedder);
  });

  it('catches vectors that are not those of their texts', async () => {
    const manifest = await build(pointer);
    const handle = await open(fileOf(manifest, 'dense'), 'r+');
    const { size } = await handle.stat();
    await handle.write(new Uint8Array(32 * 4), 0, 32 * 4, size - 7 * 32 * 4);
    await handle.close();
    await refused(manifest, /row 1 \("Myocardial infarction"\) does not find itself/);
  });

  it('catches a sidecar that is cut, and one whose ids are not those of the terms', async () => {
    const manifest = await build(pointer);
    const ids = await readFile(fileOf(manifest, 'ids'));
    await truncate(fileOf(manifest, 'ids'), ids.length - 8);
    await refused(manifest, /sidecar holds 7 ids/);
    await writeFile(fileOf(manifest, 'ids'), Buffer.concat([ids.subarray(8), ids.subarray(0, 8)]));
    await refused(manifest, /row 0 is a term of concept 1, the sidecar says concept 2/);
  });

  it('catches counts that differ', async () => {
    const manifest = await build(pointer);
    const { counts, dense, lexical } = manifest;
    await refused({ ...manifest, counts: { ...counts, concepts: 7 } }, /lexical holds 6 concepts/);
    await refused({ ...manifest, lexical: { ...lexical, terms: 9 } }, /lexical holds 8 terms/);
    await refused({ ...manifest, dense: { ...dense, count: 9 } }, /dense holds 8 vectors/);
  });
});

describe('openPublished', () => {
  const refused = async (code: string, message: RegExp, other = embedder) => {
    await expect(openIt(other)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringContaining('portiere index build'),
    });
  };

  it('says where there is none', async () => {
    await refused('INDEX_MISSING', /No index is published at/);
  });

  it('refuses the vectors of another model or dimension', async () => {
    await buildAndPublish(pointer);
    await refused(
      'INDEX_INVALID',
      /hashing-ngram \(fp32, none, 32\), the configuration asks for .*64/,
      hashingEmbedder({ dimension: 64 }),
    );
    const other = { ...embedder, identity: { ...embedder.identity, digest: 'other' } };
    await refused('INDEX_INVALID', /the configuration asks for/, other);
  });

  it('refuses a manifest of another format, a damaged one and one without its parts', async () => {
    const manifest = await buildAndPublish(pointer);
    for (const [text, message] of [
      [JSON.stringify({ ...manifest, format: 99 }), /has format 99; this portiere reads 3/],
      ['{"format": 3', /missing or damaged/],
      ['null', /missing or damaged/],
      ['{"format": 3}', /lacks its main parts/],
    ] as const) {
      await writeFile(fileOf(manifest, 'manifest'), text);
      await refused('INDEX_INVALID', message);
    }
  });

  it('refuses files that do not fit their manifest', async () => {
    const manifest = await buildAndPublish(pointer);
    const write = async (change: Partial<Manifest>) => {
      await writeFile(fileOf(manifest, 'manifest'), JSON.stringify({ ...manifest, ...change }));
    };
    await write({ dense: { ...manifest.dense, count: 9 } });
    await refused('INDEX_INVALID', /sidecar holds 8 rows, its manifest says 9/);
    await write({ dense: { ...manifest.dense, dimension: 16 } });
    await refused('INDEX_INVALID', /dense file holds 8 rows of 32/);
    await write({});
    await writeFile(fileOf(manifest, 'lexical'), 'not a database');
    await refused('INDEX_INVALID', /lexical/);
    await rm(fileOf(manifest, 'lexical'));
    await refused('INDEX_INVALID', /lexical/);
  });

  it('refuses a build that is gone', async () => {
    const manifest = await buildAndPublish(pointer);
    await rm(path.dirname(fileOf(manifest, 'ids')), { recursive: true });
    await refused('INDEX_INVALID', /missing or damaged/);
    await publish(pointer, manifest.id);
    await refused('INDEX_INVALID', /missing or damaged/);
  });
});
