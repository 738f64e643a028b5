import { describe, expect, it } from 'vitest';

import { hashingEmbedder } from '../../../src/search/embed/hashing.ts';
import { openEmbedder } from '../../../src/search/embed/open.ts';
import { embedderPool } from '../../../src/search/embed/pool.ts';

const request = {
  model: 'hashing',
  precision: 'fp32',
  cacheDir: '/nowhere',
  device: 'cpu',
  batchTokens: 512,
} as const;

describe('a pool of embedders', () => {
  it('answers more calls than it has threads, each with its own vectors', async () => {
    const pool = await embedderPool({ request, threads: 1 }, 2);
    try {
      const calls = Array.from({ length: 9 }, (_, at) => [`text ${at}`, `other ${at}`]);
      const vectors = await Promise.all(calls.map(async (texts) => await pool.embed(texts)));
      for (const [at, texts] of calls.entries())
        expect(vectors[at]).toEqual(await hashingEmbedder().embed(texts));
    } finally {
      await pool.close();
    }
  });

  it('fails a call of its own, and goes on', async () => {
    const pool = await embedderPool({ request, threads: 1 }, 1);
    try {
      await expect(pool.embed([7 as unknown as string])).rejects.toThrow();
      expect(await pool.embed(['fever'])).toEqual(await hashingEmbedder().embed(['fever']));
    } finally {
      await pool.close();
    }
  });

  it('says what could not be loaded', async () => {
    const opening = openEmbedder({ ...request, model: 'nobody/has-this' }, 2);
    await expect(opening).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  });
});
