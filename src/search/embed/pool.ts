import type { Embedder } from './embedder.ts';
import { type EmbedThread, startEmbedThread } from './embed-thread.ts';
import type { EmbedStart } from './worker-protocol.ts';

interface Seat {
  readonly thread: EmbedThread;
  busy: boolean;
}

interface Waiting {
  take(seat: Seat): void;
  fail(error: unknown): void;
}

/**
 * Embeds on up to `width` threads: the first is there when this returns, each further one is started by the first
 * call that finds all the others busy. Calls beyond that wait in line. A thread that dies fails the call that it was
 * busy with, and another takes its place.
 */
export async function embedderPool(start: EmbedStart, width: number): Promise<Embedder> {
  const seats: Seat[] = [];
  const line: Waiting[] = [];
  const starting = new Set<Promise<void>>();
  let closed = false;

  const free = (seat: Seat): void => {
    seat.busy = false;
    if (!seat.thread.alive) seats.splice(seats.indexOf(seat), 1);
    serve();
  };
  /** Gives free seats to those who wait, and starts threads for those who are left. */
  const serve = (): void => {
    for (const seat of seats) {
      if (seat.busy) continue;
      const next = line.shift();
      if (next === undefined) return;
      seat.busy = true;
      next.take(seat);
    }
    if (line.length > starting.size && seats.length + starting.size < width && !closed) grow();
  };
  const grow = (): void => {
    const one = startEmbedThread(start).then(
      async (thread) => {
        starting.delete(one);
        if (closed) return await thread.close();
        seats.push({ thread, busy: false });
        serve();
      },
      (error: unknown) => {
        starting.delete(one);
        // The threads there are go on; without any, nobody is to wait for one.
        if (seats.length === 0) for (const one of line.splice(0)) one.fail(error);
      },
    );
    starting.add(one);
  };
  const first = await startEmbedThread(start);
  seats.push({ thread: first, busy: false });

  return {
    identity: first.identity,
    width,
    async embed(texts) {
      const seat = await new Promise<Seat>((take, fail) => {
        line.push({ take, fail });
        serve();
      });
      try {
        return await seat.thread.embed(texts);
      } finally {
        free(seat);
      }
    },
    async close() {
      closed = true;
      await Promise.all([...starting, ...seats.map(async ({ thread }) => await thread.close())]);
    },
  };
}
