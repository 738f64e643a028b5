import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Progress } from '../../../ports.ts';
import { PortiereError } from '../../../errors.ts';
import { type EmbeddingCache, keyOf } from '../../embed/cache.ts';
import type { Embedder } from '../../embed/embedder.ts';
import { createFlatWriter } from '../../vectors/flat-writer.ts';
import type { Draft } from '../draft.ts';
import { inOrder } from '../in-order.ts';
import { fileNames } from '../manifest.ts';

export interface VectorFigures {
  readonly rows: number;
  /** Rows whose text had nothing to embed. */
  readonly zeros: number;
}

export interface VectorRequest {
  readonly draft: Draft;
  /** Name of the file inside the draft's folder. */
  readonly file: string;
  /** Terms in the lexical file. */
  readonly terms: number;
  readonly embedder: Embedder;
  /** Where the vectors are; undefined: they are made here, because making them is as quick as keeping them. */
  readonly cache: EmbeddingCache | undefined;
  readonly progress: Progress;
}

const chunk = 2048;
const noteEvery = 2_000;

/** Writes the vector of every term, in row order, as a FAISS flat file. Broken off, it goes on at its last note. */
export async function writeVectors(request: VectorRequest): Promise<VectorFigures> {
  const { draft, terms, embedder, cache, progress } = request;
  const { dimension } = embedder.identity;
  const lexical = new DatabaseSync(path.join(draft.folder, fileNames.lexical), { readOnly: true });
  const read = lexical.prepare('SELECT text FROM term WHERE row >= ? AND row < ? ORDER BY row');
  const before = (draft.noted() as VectorFigures | undefined) ?? { rows: 0, zeros: 0 };
  const flat = await createFlatWriter(path.join(draft.folder, request.file), {
    dimension,
    rows: before.rows,
  });
  let finished = false;
  try {
    let { rows, zeros } = before;
    let noted = performance.now();
    const vectorsFrom = async (start: number): Promise<Float32Array> => {
      const texts = read.all(start, start + chunk).map((row) => String(row['text']));
      return cache === undefined ? await embedder.embed(texts) : fromCache(cache, texts, dimension);
    };
    // Reading from the cache is work of this thread, so there is nothing to have under way at once.
    const width = cache === undefined ? (embedder.width ?? 1) + 1 : 1;
    for await (const vectors of inOrder(starts(rows, terms), vectorsFrom, width)) {
      await flat.append(vectors);
      rows += vectors.length / dimension;
      zeros += countZeros(vectors, dimension);
      progress.update(rows, terms, cache === undefined ? 'texts embedded' : 'vectors written');
      if (performance.now() - noted > noteEvery) {
        await flat.sync();
        await draft.note({ rows, zeros });
        noted = performance.now();
      }
      // Embedding may be pure computation: let timers, signals and the lease refresh run.
      await new Promise(setImmediate);
    }
    finished = true;
    await flat.finish();
    return { rows, zeros };
  } finally {
    lexical.close();
    if (!finished) await flat.abandon();
  }
}

function* starts(from: number, terms: number): Generator<number> {
  for (let start = from; start < terms; start += chunk) yield start;
}

function fromCache(cache: EmbeddingCache, texts: readonly string[], dimension: number): Float32Array {
  const vectors = new Float32Array(texts.length * dimension);
  for (const [at, text] of texts.entries()) {
    if (cache.read(keyOf(text), vectors.subarray(at * dimension, (at + 1) * dimension))) continue;
    throw new PortiereError('INDEX_INVALID', 'The embedding cache lost a vector that it held a moment ago.', {
      hint: 'Run the same command again; if it repeats, remove the folder embeddings beside the index.',
    });
  }
  return vectors;
}

/** Rows are unit vectors or all zero. */
function countZeros(vectors: Float32Array, dimension: number): number {
  let zeros = 0;
  for (let start = 0; start < vectors.length; start += dimension) {
    let at = start;
    while (at < start + dimension && vectors[at] === 0) at += 1;
    if (at === start + dimension) zeros += 1;
  }
  return zeros;
}
