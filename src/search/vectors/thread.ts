import { Worker } from 'node:worker_threads';
import { PortiereError } from '../../errors.ts';
import { entryFile, type EntryName } from '../system/entry-file.ts';
import { type Fault, fromFault } from '../system/fault.ts';

/** A worker thread that is asked one thing at a time, or many, and answers in order. */
export interface Thread<Question, Answer> {
  /** Rejects with what went wrong there, or with what the thread died of. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

/** What a thread says: an answer, or why there is none; 0 stands for being ready. */
export type ThreadReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: Fault };

/** Among a thread's arguments: it leaves the processor to others while it gets ready. */
export const gentleArgument = 'gently';

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** Starts the entry file `entry` as a thread and waits until it is ready; rejects with what it died of. */
async function startThread<Question, Answer>(
  entry: EntryName,
  { workerData, gently }: { readonly workerData: unknown; readonly gently: boolean },
): Promise<Thread<Question, Answer>> {
  const argv = gently ? [gentleArgument] : [];
  const worker = new Worker(entryFile(entry), { workerData, argv, execArgv: [] });
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
  worker.on('message', (reply: ThreadReply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    // A thread with nothing to do must not keep the program alive.
    if (waiting.size === 0) worker.unref();
    if ('fault' in reply) one?.reject(fromFault(reply.fault));
    else one?.resolve(reply.answer);
  });

  const answerTo = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      worker.ref();
      waiting.set(id, { resolve, reject });
    });
  await answerTo(0);
  return {
    async ask(question) {
      if (dead !== undefined) throw dead;
      lastId += 1;
      const answer = answerTo(lastId);
      worker.postMessage({ id: lastId, question });
      return (await answer) as Answer;
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** Starts a thread for each of `data`; where one cannot start, the others are ended and the first fault thrown. */
export async function startThreads<Question, Answer>(
  entry: EntryName,
  data: readonly unknown[],
  { gently = false }: { readonly gently?: boolean | undefined } = {},
): Promise<Thread<Question, Answer>[]> {
  const started = await Promise.allSettled(
    data.map((workerData) => startThread<Question, Answer>(entry, { workerData, gently })),
  );
  const threads = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (!failed) return threads;
  await Promise.all(threads.map((thread) => thread.close()));
  throw failed.reason;
}
