import type { Embedder } from './embedder.ts';
import { type EmbedThread, startEmbedThread } from './embed-thread.ts';
import type { EmbedStart } from './worker-protocol.ts';

interface Seat {
  readonly thread: EmbedThread;
  busy: boolean;
}

/**
 * Embeds on up to `width` threads: the first is there when this returns, each further one is started by the first
 * call that finds all the others busy. Calls beyond that wait in line.
 */
export async function embedderPool(start: EmbedStart, width: number): Promise<Embedder> {
  const seats: Seat[] = [{ thread: await startEmbedThread(start), busy: false }];
  let starting = 0;
  let failure: { readonly error: unknown } | undefined;
  const line: ((seat: Seat) => void)[] = [];

  const free = (seat: Seat): void => {
    const next = line.shift();
    seat.busy = next !== undefined;
    next?.(seat);
  };
  const grow = (): void => {
    if (failure !== undefined || seats.length + starting >= width) return;
    starting += 1;
    startEmbedThread(start)
      .then(
        (thread) => {
          const seat = { thread, busy: true };
          seats.push(seat);
          free(seat);
        },
        // The threads there are go on; one that could not be started is not tried again.
        (error: unknown) => {
          failure = { error };
        },
      )
      .finally(() => {
        starting -= 1;
      });
  };
  const seat = async (): Promise<Seat> => {
    const idle = seats.find(({ busy }) => !busy);
    if (idle !== undefined) {
      idle.busy = true;
      return idle;
    }
    grow();
    return await new Promise((resolve) => {
      line.push(resolve);
    });
  };
  return {
    identity: seats[0]!.thread.identity,
    width,
    async embed(texts) {
      const mine = await seat();
      try {
        return await mine.thread.embed(texts);
      } finally {
        free(mine);
      }
    },
    async close() {
      await Promise.all(seats.map(async ({ thread }) => await thread.close()));
    },
  };
}
