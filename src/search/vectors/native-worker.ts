import { parentPort, workerData } from 'node:worker_threads';
import type { DenseHits } from './dense.ts';
import { loadShard, type ShardRange } from './shard.ts';

/** What the worker is asked; `rows` are numbers of the index, `allowed` covers the worker's rows only. */
export type ShardRequest =
  | { readonly id: number; readonly query: Float32Array; readonly k: number; readonly allowed?: Uint8Array }
  | { readonly id: number; readonly query: Float32Array; readonly rows: readonly number[] };

/** What it answers: `ready` once the rows are in memory, then one answer for each request, in order. */
export type ShardReply =
  | { readonly ready: true }
  | { readonly id: number; readonly hits: DenseHits }
  | { readonly id: number; readonly scores: Float32Array };

const port = parentPort;
if (!port) throw new Error('native-worker runs only as a worker thread');

const shard = loadShard(workerData as ShardRange);
port.on('message', (request: ShardRequest) => {
  const { id, query } = request;
  const reply: ShardReply =
    'rows' in request
      ? { id, scores: shard.score(query, request.rows) }
      : { id, hits: shard.search(query, request.k, request.allowed) };
  port.postMessage(reply);
});
port.postMessage({ ready: true } satisfies ShardReply);
