import type { FileHandle } from 'node:fs/promises';

import type { Progress } from '../../ports.ts';
import type { Embedder } from '../embed/embedder.ts';
import type { FlatWriter } from '../vectors/flat-writer.ts';

/** Takes terms in row order and writes their vectors and the id sidecar, a batch at a time. */
export interface VectorSink {
  /** Adds the text of the next row. */
  add(conceptId: number, text: string): Promise<void>;
  /** Rows added so far; the next row's number. */
  rows(): number;
  /** Rows whose text had nothing to embed. */
  zeros(): number;
  flush(): Promise<void>;
}

const batchSize = 4096;

export interface SinkParts {
  readonly embedder: Embedder;
  readonly flat: FlatWriter;
  /** Sidecar: one little-endian int64 concept id a row. */
  readonly ids: FileHandle;
  readonly progress: Progress;
  /** How many texts there will be, as far as it is known. */
  readonly total: number | undefined;
}

export function embedInto({ embedder, flat, ids, progress, total }: SinkParts): VectorSink {
  let conceptIds: number[] = [];
  let texts: string[] = [];
  let done = 0;
  let zeros = 0;
  const flush = async (): Promise<void> => {
    if (texts.length === 0) return;
    const vectors = await embedder.embed(texts);
    zeros += countZeros(vectors, embedder.identity.dimension);
    await flat.append(vectors);
    await ids.write(BigInt64Array.from(conceptIds, BigInt));
    done += texts.length;
    conceptIds = [];
    texts = [];
    progress.update(done, total, 'texts embedded');
    // Embedding may be pure computation: let timers, signals and the lease refresh run.
    await new Promise(setImmediate);
  };
  return {
    async add(conceptId, text) {
      conceptIds.push(conceptId);
      texts.push(text);
      if (texts.length === batchSize) await flush();
    },
    rows: () => done + texts.length,
    zeros: () => zeros,
    flush,
  };
}

/** Rows are unit vectors or all zero, so the first non-zero number decides. */
function countZeros(vectors: Float32Array, dimension: number): number {
  let zeros = 0;
  for (let start = 0; start < vectors.length; start += dimension) {
    if (vectors.subarray(start, start + dimension).every((value) => value === 0)) zeros += 1;
  }
  return zeros;
}
