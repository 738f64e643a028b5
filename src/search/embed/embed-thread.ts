import { Worker } from 'node:worker_threads';

import { PortiereError } from '../../errors.ts';
import { entryFile } from '../system/entry-file.ts';
import { fromFault } from '../system/fault.ts';
import type { EmbedderIdentity } from './embedder.ts';
import type { EmbedReply, EmbedRequest, EmbedStart } from './worker-protocol.ts';

/** An embedder on a thread of its own. */
export interface EmbedThread {
  readonly identity: EmbedderIdentity;
  /** False once it has ended: it answers no more. */
  readonly alive: boolean;
  /** As `Embedder.embed`; rejects where the thread ends before it answers. */
  embed(texts: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(vectors: Float32Array): void;
  reject(error: unknown): void;
}

/** Starts a thread and waits until its model is loaded; rejects with the reason for which it could not be. */
export async function startEmbedThread(start: EmbedStart): Promise<EmbedThread> {
  const worker = new Worker(entryFile('embed-worker'), { workerData: start, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let dead: unknown;
  const die = (error: unknown): void => {
    dead ??= error;
    for (const one of waiting.values()) one.reject(dead);
    waiting.clear();
  };
  const identity = await new Promise<EmbedderIdentity>((resolve, reject) => {
    worker.on('error', (error) => {
      reject(error);
      die(error);
    });
    worker.on('exit', () => {
      const error = new PortiereError('BUG', 'An embedding thread ended before it answered.');
      reject(error);
      die(error);
    });
    worker.on('message', (reply: EmbedReply) => {
      if ('ready' in reply) resolve(reply.ready);
      else if (!('id' in reply)) reject(fromFault(reply.failed));
      else {
        const one = waiting.get(reply.id);
        waiting.delete(reply.id);
        // A thread with nothing to do must not keep the program alive.
        if (waiting.size === 0) worker.unref();
        if ('vectors' in reply) one?.resolve(reply.vectors);
        else one?.reject(fromFault(reply.failed));
      }
    });
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  worker.unref();
  return {
    identity,
    get alive() {
      return dead === undefined;
    },
    async embed(texts) {
      if (dead !== undefined) throw dead;
      lastId += 1;
      const request: EmbedRequest = { id: lastId, texts };
      return await new Promise((resolve, reject) => {
        worker.ref();
        waiting.set(request.id, { resolve, reject });
        worker.postMessage(request);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}
