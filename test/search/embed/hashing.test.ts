import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashingEmbedder, normalise } from '../../../src/search/embed/hashing.ts';

describe('hashing embedder', () => {
  it('gives the same bits on every machine', async () => {
    const vectors = await hashingEmbedder().embed([
      'Type 2 diabetes mellitus without complications',
      'Œdème aigu du poumon',
    ]);
    const digest = createHash('sha256').update(new Uint8Array(vectors.buffer)).digest('hex');
    // A change here needs a new REVISION in hashing.ts: indexes built before no longer fit.
    expect(digest).toBe('87452c4cba8919aa4f48491b9c0e15cb23ed92e5a428d0ba352d57a1fdca3043');
    expect(hashingEmbedder().identity).toEqual({
      provider: 'hashing',
      model: 'hashing-ngram',
      revision: '1',
      pooling: 'none',
      precision: 'fp32',
      dimension: 384,
      maxLength: 0,
      digest: '852a67405f98dcb9cbfeea9f2200fa7ad62211c39a39c0c27263a08995c91bdd',
    });
  });

  it('gives unit rows in the order of the texts, and zeros for nothing', async () => {
    const embedder = hashingEmbedder({ dimension: 64 });
    const texts = ['asthma', '', ' — ', 'a', '急性', 'x'.repeat(500)];
    const matrix = await embedder.embed(texts);
    expect(matrix).toHaveLength(6 * 64);
    const norms = texts.map((_, row) => Math.sqrt(dot(rowOf(matrix, row, 64), rowOf(matrix, row, 64))));
    for (const [row, norm] of norms.entries()) expect(norm).toBeCloseTo(row === 1 || row === 2 ? 0 : 1, 6);
    expect(rowOf(matrix, 0, 64)).toEqual(await embedder.embed(['asthma']));
  });

  it('yields between many texts without changing them', async () => {
    const embedder = hashingEmbedder({ dimension: 16 });
    const texts = Array.from({ length: 4500 }, (_, at) => `concept ${at % 10}`);
    const matrix = await embedder.embed(texts);
    expect(rowOf(matrix, 4499, 16)).toEqual(rowOf(matrix, 9, 16));
  });

  it.each([
    ['Ménière’s  DISEASE', 'meniere s disease'],
    ['Oesophageal tumour, œdema & Anæmia', 'esophageal tumour edema anemia'],
    ['Type-2 (β) ½', 'type 2 β 1 2'],
    ['', ''],
  ])('reads %j as %j', (text, normal) => {
    expect(normalise(text)).toBe(normal);
  });

  it('does not care for the order of words, or for a word said twice', async () => {
    const [one, two, three] = await vectorsOf([
      'acute renal failure',
      'failure, renal acute',
      'Renal acute renal failure',
    ]);
    expect(dot(one!, two!)).toBeCloseTo(1, 6);
    expect(dot(one!, three!)).toBeCloseTo(1, 6);
  });

  it('puts the misspelt concept before its neighbours', async () => {
    const names = [
      'Myocardial infarction',
      'Myocardial inflammation',
      'Cerebral infarction',
      'Infection',
      'Asthma',
    ];
    const [query, ...rest] = await vectorsOf(['miocardial infraction', ...names]);
    const scores = rest.map((vector) => dot(query!, vector));
    expect(Math.max(...scores)).toBe(scores[0]);
    expect(scores[4]).toBeLessThan(0.3);
  });

  it.each([0, 15, 1.5, 5000, Number.NaN])('refuses dimension %s', (dimension) => {
    expect(() => hashingEmbedder({ dimension })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('takes a document of a megabyte, each word of it once', async () => {
    const words = Array.from({ length: 150_000 }, (_, at) => `w${at}`).join(' ');
    const vectors = await hashingEmbedder().embed([words, `${words} ${words}`]);
    expect(vectors.subarray(0, 384)).toEqual(vectors.subarray(384));
  });
});

async function vectorsOf(texts: readonly string[]): Promise<Float32Array[]> {
  const matrix = await hashingEmbedder().embed(texts);
  return texts.map((_, row) => rowOf(matrix, row, 384));
}

function rowOf(matrix: Float32Array, row: number, dimension: number): Float32Array {
  return matrix.slice(row * dimension, (row + 1) * dimension);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}
