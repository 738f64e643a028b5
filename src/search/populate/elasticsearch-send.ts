import type { Batch } from './elasticsearch-batches.ts';
import { deliver, type Delivery } from './elasticsearch-delivery.ts';

/** How far a load has come. */
export interface Sent {
  /** Every document with a number up to this one is in the engine. */
  readonly upTo: number;
  /** How many these are. */
  readonly documents: number;
}

type Request = Omit<Delivery, 'stop'> & {
  readonly batches: Iterator<Batch, undefined>;
  /** Called in order, each time the beginning of the stream that is in the engine has grown. */
  readonly onSent: (sent: Sent) => void;
};

interface Flight extends Batch {
  landed: boolean;
}

/**
 * Sends every batch, some at a time. Nothing is under way when it returns or throws, and at most twice as many
 * batches as go at once lie beyond the last `onSent`: that is what a killed load repeats.
 */
export async function sendAll({ batches, onSent, ...parts }: Request): Promise<void> {
  const stop = new AbortController();
  const delivery = { ...parts, stop: stop.signal };
  /** In the order of their numbers; the first one has not landed. */
  const flights: Flight[] = [];
  const underWay = new Set<Promise<void>>();
  let documents = 0;

  const fly = async (flight: Flight): Promise<void> => {
    await deliver(delivery, flight);
    // Stopped is not delivered.
    if (stop.signal.aborted) return;
    flight.landed = true;
    for (let first = flights[0]; first?.landed === true; first = flights[0]) {
      documents += first.documents;
      flights.shift();
      onSent({ upTo: first.upTo, documents });
    }
  };
  try {
    for (let more = true; more || underWay.size > 0;) {
      const mayStart = (): boolean => {
        const most = delivery.pace.concurrency();
        return more && underWay.size < most && flights.length < 2 * most;
      };
      while (mayStart()) {
        const { value: batch } = batches.next();
        more = batch !== undefined;
        if (batch === undefined) break;
        const flight: Flight = { ...batch, landed: false };
        flights.push(flight);
        const landing = fly(flight).finally(() => underWay.delete(landing));
        underWay.add(landing);
      }
      if (underWay.size > 0) await Promise.race(underWay);
    }
  } catch (error) {
    stop.abort();
    await Promise.allSettled(underWay);
    throw error;
  } finally {
    batches.return?.();
  }
}
