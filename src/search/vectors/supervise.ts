import { PortiereError } from '../../errors.ts';
import { ChildGone, type FaissAnswer, type FaissProcess, type FaissQuestion } from './faiss-process.ts';

/** Keeps one child answering. */
export interface Supervisor {
  /** Starts the first child, so that a fault shows before the first question. */
  start(): Promise<void>;
  ask(question: FaissQuestion): Promise<FaissAnswer>;
  close(): Promise<void>;
}

export interface Supervision {
  readonly start: () => Promise<FaissProcess>;
  readonly recycleAfter: number;
}

/**
 * Replaces a child that died or has been asked `recycleAfter` questions; a question whose child died is asked
 * of the next one, once, then fails.
 */
export function superviseChild({ start, recycleAfter }: Supervision): Supervisor {
  let current: Promise<FaissProcess> | undefined;
  let closed = false;

  const child = async (): Promise<FaissProcess> => {
    if (closed) throw new PortiereError('INDEX_INVALID', 'The dense index has been closed.');
    const held = current;
    if (held) {
      const process = await held;
      if (process.alive && process.asked < recycleAfter) return process;
      // Whoever comes first replaces it; the others find the new one.
      if (current !== held) return child();
      process.retire();
    }
    const next = start();
    current = next;
    next.catch(() => {
      if (current === next) current = undefined;
    });
    return next;
  };
  const ask = async (question: FaissQuestion): Promise<FaissAnswer> => (await child()).ask(question);

  return {
    async start() {
      await child();
    },
    async ask(question) {
      try {
        return await ask(question);
      } catch (error) {
        if (!(error instanceof ChildGone) || closed) throw error;
        return await ask(question).catch((again: unknown) => {
          throw again instanceof ChildGone ? diedTwice(again) : again;
        });
      }
    },
    async close() {
      closed = true;
      const process = await current?.catch(() => undefined);
      await process?.kill();
    },
  };
}

function diedTwice(cause: ChildGone): PortiereError {
  return new PortiereError('INDEX_INVALID', 'faiss-node ended twice while it answered the same search.', {
    hint: 'Check the memory there is for it, or search without it: DENSE_ENGINE=native.',
    cause,
  });
}
