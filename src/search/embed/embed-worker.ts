// A thread that embeds: the runtime computes on the thread that asks it, whatever it promises.
import { parentPort, workerData } from 'node:worker_threads';

import { toFault } from '../system/fault.ts';
import { openInThread } from './open.ts';
import type { EmbedReply, EmbedRequest, EmbedStart } from './worker-protocol.ts';

const port = parentPort;
if (!port) throw new Error('embed-worker runs only as a worker thread');

const { request, threads } = workerData as EmbedStart;
try {
  const embedder = await openInThread(request, threads);
  port.on('message', ({ id, texts }: EmbedRequest) => {
    embedder.embed(texts).then(
      (vectors) => {
        answer({ id, vectors }, [vectors.buffer as ArrayBuffer]);
      },
      (error: unknown) => {
        answer({ id, failed: toFault(error, request.model) });
      },
    );
  });
  answer({ ready: embedder.identity });
} catch (error) {
  answer({ failed: toFault(error, request.model) });
}

function answer(reply: EmbedReply, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(reply, transfer);
}
