import { Worker } from 'node:worker_threads';
import { PortiereError } from '../../errors.ts';
import type { DenseHits } from './dense.ts';
import { entryFile } from '../system/entry-file.ts';
import type { ShardReply, ShardRequest } from './native-worker.ts';
import type { ShardRange } from './shard.ts';

/** A Shard on a thread of its own. */
export interface ShardWorker {
  search(query: Float32Array, k: number, allowed?: Uint8Array): Promise<DenseHits>;
  score(query: Float32Array, rows: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(reply: ShardReply): void;
  reject(error: unknown): void;
}

/** Starts the thread and waits until its rows are in memory; rejects with what the thread died of. */
export async function startShardWorker(range: ShardRange): Promise<ShardWorker> {
  const worker = new Worker(entryFile('native-worker'), { workerData: range, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let dead: unknown;

  const die = (error: unknown) => {
    dead ??= error;
    for (const one of waiting.values()) one.reject(dead);
    waiting.clear();
  };
  worker.on('error', die);
  worker.on('exit', () => die(new PortiereError('INDEX_INVALID', 'The dense index has been closed.')));
  worker.on('message', (reply: ShardReply) => {
    const id = 'ready' in reply ? 0 : reply.id;
    const one = waiting.get(id);
    waiting.delete(id);
    // A thread with nothing to do must not keep the program alive.
    if (waiting.size === 0) worker.unref();
    one?.resolve(reply);
  });

  const replyTo = (id: number) =>
    new Promise<ShardReply>((resolve, reject) => {
      worker.ref();
      waiting.set(id, { resolve, reject });
    });
  const ask = async (request: ShardRequest) => {
    if (dead !== undefined) throw dead;
    const reply = replyTo(request.id);
    // A copy: posting a part of a larger matrix would send all of it.
    const query = request.query.slice();
    worker.postMessage({ ...request, query }, [query.buffer]);
    return reply;
  };

  await replyTo(0);
  return {
    async search(query, k, allowed) {
      lastId += 1;
      const reply = await ask({ id: lastId, query, k, ...(allowed ? { allowed } : {}) });
      if (!('hits' in reply)) throw new PortiereError('BUG', 'A search was answered with scores.');
      return reply.hits;
    },
    async score(query, rows) {
      lastId += 1;
      const reply = await ask({ id: lastId, query, rows });
      if (!('scores' in reply)) throw new PortiereError('BUG', 'A scoring was answered with hits.');
      return reply.scores;
    },
    async close() {
      await worker.terminate();
    },
  };
}
