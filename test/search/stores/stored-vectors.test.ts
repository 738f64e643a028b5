import { rm } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { nearestBody } from '../../../src/search/stores/elasticsearch-vectors.ts';
import { vectorsIndexBody } from '../../../src/search/stores/elasticsearch-vectors-index.ts';
import { graphShape, serverNeeds } from '../../../src/search/stores/graph-shape.ts';
import { storedVectors } from '../../../src/search/stores/stored-vectors.ts';
import type { NearestQuestion, VectorStore } from '../../../src/search/stores/vector-store.ts';
import { openFromFile } from '../../../src/search/vectors/from-file.ts';
import { openNative } from '../../../src/search/vectors/native.ts';
import { noise, temporaryFolder, writeFlat } from '../vectors/given.ts';

const dimension = 20;
const rows = 900;
const vectors = noise(rows * dimension);
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  file = await writeFlat(path.join(folder, 'dense.faiss'), dimension, vectors);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
const query = noise(dimension, 7);

/** A store that names the same rows whatever it is asked. */
function storeOf(found: readonly number[]): VectorStore & { asked: NearestQuestion[]; down: boolean } {
  const store = {
    engine: 'elasticsearch' as const,
    asked: [] as NearestQuestion[],
    down: false,
    async nearest(_build: string, question: NearestQuestion) {
      store.asked.push(question);
      if (store.down) throw new Error('away');
      return found;
    },
  };
  return store;
}

describe('a flat file that is not loaded', () => {
  it('answers as one that is', async () => {
    const [loaded, lying] = [await openNative(file), await openFromFile(file)];
    const allowed = Uint8Array.from({ length: rows }, (_, row) => (row % 7 === 0 ? 1 : 0));
    for (const mask of [undefined, allowed]) {
      const [one, other] = [await loaded.search(query, 12, mask), await lying.search(query, 12, mask)];
      expect(other.rows).toEqual(one.rows);
      for (const [at, score] of one.scores.entries()) expect(other.scores[at]).toBeCloseTo(score, 5);
    }
    const some = [5, 899, 0, 5];
    const [a, b] = [await loaded.score(query, some), await lying.score(query, some)];
    for (const [at, score] of a.entries()) expect(b[at]).toBeCloseTo(score, 5);
    await expect(lying.score(query, [rows])).rejects.toMatchObject({ code: 'BUG' });
    await loaded.close();
    await lying.close();
  });
});

describe('vectors by a store', () => {
  it('are ordered and scored by the build’s own file, whatever the store thinks of them', async () => {
    const store = storeOf([3, 700, 20, 1e6, -1]);
    const arm = await storedVectors(store, () => 0)({ id: 'b', file });
    const found = await arm.search(query, 2, { filters: { valid: true }, allowed: undefined });
    const scores = await arm.score(query, [3, 700, 20]);
    const best = [3, 700, 20].toSorted(
      (a, b) => scores[[3, 700, 20].indexOf(b)]! - scores[[3, 700, 20].indexOf(a)]!,
    );
    expect(found.rows).toEqual(best.slice(0, 2));
    expect(store.asked).toEqual([{ vector: query, k: 64, filters: { valid: true }, timeout: 1_000 }]);
    const allowed = new Uint8Array(rows);
    allowed[20] = 1;
    expect((await arm.search(query, 100, { filters: {}, allowed })).rows).toEqual([20]);
    expect(store.asked.at(-1)?.k).toBe(150);
    await expect(arm.search(new Float32Array(8), 2)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    await arm.close();
  });

  it('leave a store that failed alone for a second', async () => {
    const time = { now: 0 };
    const store = storeOf([1]);
    const arm = await storedVectors(store, () => time.now)({ id: 'b', file });
    store.down = true;
    await expect(arm.search(query, 1)).rejects.toThrow('away');
    store.down = false;
    time.now = 999;
    await expect(arm.search(query, 1)).rejects.toThrow('away');
    expect(store.asked).toHaveLength(1);
    time.now = 1_000;
    expect((await arm.search(query, 1)).rows).toEqual([1]);
    await arm.close();
  });
});

describe('vectors in Elasticsearch', () => {
  const graph = graphShape('elasticsearch', 'standard');

  it('are asked for by numbers and clauses alone, with filters where the graph is walked', () => {
    const body = { vector: Float32Array.of(0.5, -0.5), k: 10, filters: {} };
    expect(nearestBody(body, graph)).toEqual({
      size: 10,
      knn: { field: 'vector', query_vector: [0.5, -0.5], k: 10, num_candidates: 20 },
    });
    const narrowed = nearestBody({ ...body, k: 9_000, filters: { domain_id: ['Drug'], valid: true } }, graph);
    expect(narrowed).toMatchObject({
      knn: {
        k: 9_000,
        num_candidates: 10_000,
        filter: {
          bool: {
            filter: [
              { bool: { should: [{ term: { domain_id: { value: 'Drug', case_insensitive: true } } }] } },
            ],
            must_not: [{ exists: { field: 'invalid_reason' } }],
          },
        },
      },
    });
  });

  it('lie in a graph of bytes, in as many shards as can still be moved', () => {
    const of = { build: 'b', vectors: 1_000_000, dimension: 384, graph };
    expect(vectorsIndexBody(of)).toMatchObject({
      settings: { number_of_shards: 1 },
      mappings: {
        properties: {
          vector: { dims: 384, index_options: { type: 'int8_hnsw', m: 16, ef_construction: 100 } },
        },
      },
    });
    expect(vectorsIndexBody({ ...of, vectors: 30_000_000 })).toMatchObject({
      settings: { number_of_shards: 3 },
    });
  });

  it('need a fifth of the memory that whole vectors do', () => {
    const shape = { count: 1_000_000, dimension: 384, graph };
    expect(serverNeeds('elasticsearch', shape)).toEqual({ memory: 452_000_000, disk: 1_988_000_000 });
    const wide = { ...shape, graph: graphShape('milvus', 'standard') };
    expect(serverNeeds('milvus', wide).memory).toBe(1_792_000_000);
  });
});
