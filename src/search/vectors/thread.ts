import { Worker } from 'node:worker_threads';
import { PortiereError } from '../../errors.ts';
import { entryFile, type EntryName } from '../system/entry-file.ts';
import { type Fault, fromFault } from '../system/fault.ts';

/** What a worker thread holds open for somebody: it is asked one thing at a time, or many, and answers in order. */
export interface Thread<Question, Answer> {
  /** Rejects with what went wrong there, or with what the thread died of. */
  ask(question: Question): Promise<Answer>;
  /** Lets go of what is held open; the thread ends with the last of it. */
  close(): Promise<void>;
}

/** What a thread is told; each order that has an `id` is answered. */
export type ThreadOrder =
  | { readonly id: number; readonly open: unknown; readonly gently: boolean }
  /** To what was opened by the order `of`. */
  | { readonly id: number; readonly of: number; readonly question: unknown }
  | { readonly close: number };

/** What a thread says: an answer, or why there is none. */
export type ThreadReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: Fault };

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** A running thread, shared by all that it holds something open for. */
interface Runner {
  open(data: unknown, gently: boolean): Promise<Thread<unknown, unknown>>;
  holds: number;
}

/** The threads of each kind that run now: starting one, and its first hundred answers, are slow. */
const runners = new Map<EntryName, Runner[]>();

/**
 * Opens each of `data` in a thread of its own that runs the entry file `entry`: in those that run already, where there
 * are. Where one cannot be opened the others are closed and the first fault is thrown. `gently`: in steps, between
 * which the threads answer about what else they hold open, and rest.
 */
export async function openInThreads<Question, Answer>(
  entry: EntryName,
  data: readonly unknown[],
  { gently = false }: { readonly gently?: boolean | undefined } = {},
): Promise<Thread<Question, Answer>[]> {
  const running = runners.get(entry) ?? [];
  runners.set(entry, running);
  // A thread that cannot be started is a promise that is rejected, like one that cannot open.
  const opening = data.map(
    async (one, at) => await (running[at] ?? startRunner(entry, running)).open(one, gently),
  );
  const opened = await Promise.allSettled(opening);
  const threads = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = opened.find((one) => one.status === 'rejected');
  if (!failed) return threads as Thread<Question, Answer>[];
  await Promise.all(threads.map((thread) => thread.close()));
  throw failed.reason;
}

/** Starts a thread, and keeps it among `running` while it lives. */
function startRunner(entry: EntryName, running: Runner[]): Runner {
  const worker = new Worker(entryFile(entry), { execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let dead: unknown;

  const leave = () => {
    const at = running.indexOf(runner);
    if (at !== -1) running.splice(at, 1);
  };
  const die = (error: unknown) => {
    leave();
    dead ??= error;
    for (const one of waiting.values()) one.reject(dead);
    waiting.clear();
  };
  worker.on('error', die);
  worker.on('exit', () => die(new PortiereError('INDEX_INVALID', 'The dense index has been closed.')));
  worker.on('message', (reply: ThreadReply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    // A thread with nothing to do must not keep the program alive.
    if (waiting.size === 0) worker.unref();
    if ('fault' in reply) one?.reject(fromFault(reply.fault));
    else one?.resolve(reply.answer);
  });

  const nextId = () => (lastId += 1);
  const ask = async (order: ThreadOrder & { readonly id: number }): Promise<unknown> => {
    if (dead !== undefined) throw dead;
    const answer = new Promise<unknown>((resolve, reject) => {
      worker.ref();
      waiting.set(order.id, { resolve, reject });
    });
    worker.postMessage(order);
    return await answer;
  };
  const release = async () => {
    runner.holds -= 1;
    if (runner.holds > 0) return;
    leave();
    await worker.terminate();
  };
  const runner: Runner = {
    holds: 0,
    async open(data, gently) {
      runner.holds += 1;
      const held = nextId();
      try {
        await ask({ id: held, open: data, gently });
      } catch (error) {
        await release();
        throw error;
      }
      let closed = false;
      return {
        async ask(question) {
          if (closed) throw new PortiereError('INDEX_INVALID', 'The dense index has been closed.');
          return await ask({ id: nextId(), of: held, question });
        },
        async close() {
          if (closed) return;
          closed = true;
          worker.postMessage({ close: held } satisfies ThreadOrder);
          await release();
        },
      };
    },
  };
  running.push(runner);
  return runner;
}
