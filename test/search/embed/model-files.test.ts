import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateModel } from '../../../src/search/embed/model-files.ts';
import { findModel, modelFiles, type Precision } from '../../../src/search/embed/models.ts';

const sapbert = 'cambridgeltl/SapBERT-from-PubMedBERT-fulltext';
let root: string;
let cacheDir: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'portiere-models-'));
  cacheDir = path.join(root, 'cache');
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('known models', () => {
  it('knows a model with and without its owner', () => {
    expect(findModel('all-MiniLM-L6-v2')).toBe(findModel('sentence-transformers/all-MiniLM-L6-v2'));
    expect(findModel(sapbert)).toMatchObject({ pooling: 'cls', maxLength: 25, dimension: 768 });
    expect(findModel('MiniLM')).toBeUndefined();
  });
});

describe('locating a model', () => {
  it.each([
    ['MODEL_DIR itself', '.'],
    ['its own folder', 'SapBERT-from-PubMedBERT-fulltext'],
    ['its full name', sapbert],
  ])('finds %s', async (_, place) => {
    const modelDir = path.join(root, 'models');
    const folder = await putModel(path.join(modelDir, place), { width: 768 });
    const located = await locateModel({ model: sapbert, precision: 'fp32', modelDir, cacheDir });
    expect(located).toMatchObject({ folder, spec: { name: sapbert, pooling: 'cls' } });
  });

  it('finds what a pull left in the cache, for that precision only', async () => {
    const folder = await putModel(path.join(cacheDir, sapbert, 'int8'), { width: 768, precision: 'int8' });
    const places = { model: sapbert, modelDir: '', cacheDir };
    expect((await locateModel({ ...places, precision: 'int8' })).folder).toBe(folder);
    await expect(locateModel({ ...places, precision: 'fp32' })).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining(path.join(cacheDir, sapbert, 'fp32')),
      hint: expect.stringContaining('portiere model pull'),
    });
  });

  it('does not take another model that lies in MODEL_DIR itself', async () => {
    const modelDir = await putModel(path.join(root, 'other'), { width: 384 });
    await expect(
      locateModel({ model: sapbert, precision: 'fp32', modelDir, cacheDir }),
    ).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining(modelDir),
      problems: [],
    });
  });

  it('names what a folder lacks that holds a part of a model', async () => {
    const folder = await putModel(path.join(root, 'models/own'), { width: 384 });
    await rm(path.join(folder, 'tokenizer.json'));
    const places = {
      model: 'own',
      precision: 'fp32',
      modelDir: path.join(root, 'models'),
      cacheDir,
    } as const;
    await expect(locateModel(places)).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      problems: [{ path: folder, reason: 'it lacks tokenizer.json' }],
    });
  });

  it('reads what a folder says about a model that is not in the table', async () => {
    const folder = await putModel(path.join(root, 'mine'), { width: 32, pooling: 'cls' });
    const located = await locateModel({ model: 'mine', precision: 'fp32', modelDir: root, cacheDir });
    expect(located).toEqual({ folder, spec: { name: 'mine', pooling: 'cls', maxLength: 40, dimension: 32 } });
    expect((await locateModel({ model: 'mine', precision: 'fp32', modelDir: folder, cacheDir })).folder).toBe(
      folder,
    );
  });

  it.each([
    ['pooling that is not ours', { pooling: 'max' }, 'pooling_mode_max_tokens'],
    ['no width', { width: 'wide' }, 'hidden_size'],
  ])('refuses a folder with %s', async (_, content, named) => {
    await putModel(path.join(root, 'mine'), content);
    const locating = locateModel({ model: 'mine', precision: 'fp32', modelDir: root, cacheDir });
    await expect(locating).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining(named),
    });
  });

  it('refuses an unknown name with the known ones', async () => {
    await expect(locateModel({ model: 'mine', precision: 'fp32', cacheDir })).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      hint: expect.stringContaining(sapbert),
    });
  });
});

interface Content {
  readonly width?: unknown;
  readonly pooling?: string;
  readonly precision?: Precision;
}

async function putModel(folder: string, { width = 32, pooling = 'mean', precision = 'fp32' }: Content) {
  const files = new Map<string, unknown>(modelFiles(precision).map((file) => [file, {}]));
  const suffix = pooling === 'cls' ? 'token' : 'tokens';
  files.set('config.json', { hidden_size: width });
  files.set('1_Pooling/config.json', {
    [`pooling_mode_${pooling}_${suffix}`]: true,
    pooling_mode_lasttoken: false,
  });
  files.set('sentence_bert_config.json', { max_seq_length: 40 });
  for (const [file, content] of files) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), JSON.stringify(content));
  }
  return path.normalize(folder);
}
