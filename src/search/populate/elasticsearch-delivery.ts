import { PortiereError } from '../../errors.ts';
import type { BulkLines, SearchEngine } from '../../ports/search-engine.ts';
import { halves, idAt, pickLines } from './elasticsearch-batches.ts';
import type { Pace } from './elasticsearch-pace.ts';

/** How long a load is patient with an engine that is overloaded or away; milliseconds. */
export interface Patience {
  /** Without any document taken. */
  readonly whole: number;
  /** The first pause; each further one is twice as long, up to `longest`. */
  readonly first: number;
  readonly longest: number;
}

export const patience: Patience = { whole: 180_000, first: 200, longest: 10_000 };

/** A document that the engine will not take, and why. */
export interface RefusedOne {
  readonly id: string;
  readonly reason: string;
}

export interface Delivery {
  readonly engine: SearchEngine;
  readonly index: string;
  readonly pace: Pace;
  readonly patience: Patience;
  /** Aborted where the load has failed elsewhere. */
  readonly stop: AbortSignal;
  /** Throws where the index is not the one that was begun. */
  readonly requireSame: () => Promise<void>;
  /** Throws where they may not be left out. */
  readonly refuse: (refused: readonly RefusedOne[]) => void;
}

/** Brings some documents into the engine: each is taken, or refused for good, when it returns. */
export async function deliver(delivery: Delivery, lines: BulkLines): Promise<void> {
  const { engine, index, pace, stop } = delivery;
  let left = lines;
  let failingSince: number | undefined;
  for (let pauses = 0; !stop.aborted;) {
    const start = performance.now();
    const answer = await engine.bulk(index, left);
    if (answer.kind === 'too large') {
      await deliverHalves(delivery, left);
      return;
    }
    let again = left;
    let reason = answer.kind === 'busy' ? answer.reason : undefined;
    if (answer.kind === 'done') {
      const passing = answer.refused.filter(({ status }) => status === 429 || status === 503);
      const lasting = answer.refused.filter((one) => !passing.includes(one));
      const sent = left;
      if (lasting.length > 0)
        delivery.refuse(lasting.map(({ at, reason }) => ({ id: idAt(sent, at), reason })));
      pace.took(left.documents - passing.length, performance.now() - start);
      if (passing.length === 0) return;
      if (passing.length < left.documents) {
        failingSince = undefined;
        pauses = 0;
      }
      again = pickLines(
        left,
        passing.map(({ at }) => at),
      );
      reason = new PortiereError('SEARCH_ENGINE_UNREACHABLE', passing[0]?.reason ?? '');
    }
    pace.busy();
    failingSince ??= start;
    if (performance.now() - failingSince > delivery.patience.whole) throw exhausted(delivery, reason);
    await pause(delivery, pauses);
    pauses += 1;
    if (answer.kind === 'busy') await delivery.requireSame();
    left = again;
  }
}

async function deliverHalves(delivery: Delivery, lines: BulkLines): Promise<void> {
  delivery.pace.tooLarge(lines.body.length);
  if (lines.documents === 1) {
    const reason = `413: ${lines.body.length} bytes are more than the server takes at once`;
    delivery.refuse([{ id: idAt(lines, 0), reason }]);
    return;
  }
  for (const half of halves(lines)) await deliver(delivery, half);
}

/** Twice as long each time, and never as long as the others' (who were refused with it). */
async function pause({ patience: { first, longest }, stop }: Delivery, pauses: number): Promise<void> {
  const most = Math.min(longest, first * 2 ** Math.min(pauses, 20));
  const milliseconds = most * (0.5 + Math.random() / 2);
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    stop.addEventListener('abort', end);
  });
}

function exhausted({ patience, index }: Delivery, reason: Error | undefined): PortiereError {
  const seconds = Math.round(patience.whole / 1_000);
  return new PortiereError(
    'SEARCH_ENGINE_UNREACHABLE',
    `Loading ${index} was given up after ${seconds} s without a document taken: ${reason?.message ?? ''}`,
    { hint: 'Run the same command again once it is well: the load goes on where it stopped.', cause: reason },
  );
}
