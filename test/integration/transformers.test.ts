import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateModel } from '../../src/search/embed/model-files.ts';
import type { Precision } from '../../src/search/embed/models.ts';
import { transformersEmbedder, type TransformersEmbedder } from '../../src/search/embed/transformers.ts';

const modelDir = fileURLToPath(new URL('../../../shared/models', import.meta.url));
const present = existsSync(path.join(modelDir, 'fixtures.json'));
const why = present ? '' : ' (skipped: ../shared/models is not here)';

interface Item {
  readonly name: string;
  readonly text: string;
  readonly ids: readonly number[];
  readonly embedding: readonly number[];
}

describe.skipIf(!present).each(['all-MiniLM-L6-v2', 'tiny-random-bert'])(`%s${why}`, (model) => {
  let items: readonly Item[];
  let embedder: TransformersEmbedder;
  beforeAll(async () => {
    const fixtures = JSON.parse(readFileSync(path.join(modelDir, 'fixtures.json'), 'utf8')) as {
      models: Record<string, { items: Item[] }>;
    };
    items = fixtures.models[model]!.items;
    embedder = await open(model, 'fp32');
  });
  afterAll(() => embedder.close());

  it('gives the reference token ids', () => {
    for (const { name, text, ids } of items) expect([name, embedder.tokenize(text)]).toEqual([name, ids]);
  });

  it('gives the reference vectors, all texts in one call', async () => {
    const vectors = await embedder.embed(items.map(({ text }) => text));
    for (const [row, { name, text, embedding }] of items.entries()) {
      const vector = rowOf(vectors, row, embedder.identity.dimension);
      // The reference embeds the bare special tokens here; for us there is nothing to embed.
      const expected = text.trim() === '' ? 0 : 1;
      expect([name, norm(vector)]).toEqual([name, expect.closeTo(expected, 5)]);
      if (expected === 1) expect([name, cosine(vector, embedding) >= 0.9999]).toEqual([name, true]);
    }
  });

  it('gives a text the same fp32 vector alone, repeated and in company', async () => {
    const texts = items.slice(0, 12).map(({ text }) => text);
    const { dimension } = embedder.identity;
    const together = await embedder.embed([...texts, ...texts]);
    const alone = await embedder.embed([texts[0]!]);
    expect(cosine(alone, rowOf(together, 0, dimension))).toBeGreaterThan(0.99999);
    for (let row = 0; row < texts.length; row += 1) {
      expect(rowOf(together, row + texts.length, dimension)).toEqual(rowOf(together, row, dimension));
    }
  });

  it('gives int8 vectors that follow from the set of texts, near the fp32 ones', async () => {
    const int8 = await open(model, 'int8');
    const texts = items.map(({ text }) => text).filter((text) => text.trim() !== '');
    const { dimension } = int8.identity;
    const vectors = await int8.embed(texts);
    const reversed = await int8.embed(texts.toReversed());
    const fp32 = await embedder.embed(texts);
    for (let row = 0; row < texts.length; row += 1) {
      const vector = rowOf(vectors, row, dimension);
      expect(rowOf(reversed, texts.length - 1 - row, dimension)).toEqual(vector);
      expect(cosine(vector, rowOf(fp32, row, dimension))).toBeGreaterThan(0.95);
    }
    expect(int8.identity.digest).not.toBe(embedder.identity.digest);
    await int8.close();
  });

  it('names what its vectors came from', () => {
    expect(embedder.identity).toMatchObject({
      provider: 'transformers',
      pooling: 'mean',
      precision: 'fp32',
      maxLength: 256,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

async function open(model: string, precision: Precision): Promise<TransformersEmbedder> {
  const located = await locateModel({ model, precision, modelDir, cacheDir: '/nowhere' });
  return transformersEmbedder({ ...located, precision, threads: 1 });
}

function rowOf(matrix: Float32Array, row: number, dimension: number): Float32Array {
  return matrix.slice(row * dimension, (row + 1) * dimension);
}

function norm(vector: ArrayLike<number>): number {
  return Math.sqrt(Array.from(vector).reduce((sum, value) => sum + value * value, 0));
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);
  return dot / (norm(a) * norm(b));
}
