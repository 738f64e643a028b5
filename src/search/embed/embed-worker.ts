// A thread that embeds: the runtime computes on the thread that asks it, whatever it promises.
import { parentPort, workerData } from 'node:worker_threads';

import { PortiereError } from '../../errors.ts';
import { openInThread } from './open.ts';
import type { EmbedReply, EmbedRequest, EmbedStart, TravellingError } from './worker-protocol.ts';

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
        answer({ id, failed: travelling(error) });
      },
    );
  });
  answer({ ready: embedder.identity });
} catch (error) {
  answer({ failed: travelling(error) });
}

function answer(reply: EmbedReply, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(reply, transfer);
}

function travelling(error: unknown): TravellingError {
  const known = error instanceof PortiereError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { code: known?.code, message, hint: known?.hint };
}
