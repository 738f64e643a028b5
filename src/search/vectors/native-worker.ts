import { workerData } from 'node:worker_threads';
import type { DenseHits } from './dense.ts';
import { serve } from './serve.ts';
import { loadShard, type ShardRange } from './shard.ts';

/** What the worker is asked; `rows` are numbers of the index, `allowed` covers the worker's rows only. */
export type ShardQuestion =
  | { readonly query: Float32Array; readonly k: number; readonly allowed?: Uint8Array }
  | { readonly query: Float32Array; readonly rows: readonly number[] };

/** The best rows, or the scores asked for. */
export type ShardAnswer = DenseHits | { readonly scores: Float32Array };

const range = workerData as ShardRange;
serve(range.header.path, () => {
  const shard = loadShard(range);
  return (question: ShardQuestion) =>
    'rows' in question
      ? { scores: shard.score(question.query, question.rows) }
      : shard.search(question.query, question.k, question.allowed);
});
