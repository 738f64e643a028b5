import { argv } from 'node:process';
import { parentPort } from 'node:worker_threads';
import { toFault } from '../system/fault.ts';
import { gently } from './gentle.ts';
import { gentleArgument, type ThreadReply } from './thread.ts';

/**
 * Answers what a thread is asked, in order. `prepare` runs first and its fault is the thread's own; `thing` is
 * what it works on, for the words of an error.
 */
export function serve(thing: string, prepare: () => (question: never) => unknown): void {
  const port = parentPort;
  if (!port) throw new Error('this file runs only as a worker thread');
  const reply = (id: number, act: () => unknown) => {
    try {
      port.postMessage({ id, answer: act() } satisfies ThreadReply);
      return true;
    } catch (error) {
      port.postMessage({ id, fault: toFault(error, thing) } satisfies ThreadReply);
      return false;
    }
  };
  let answer: ((question: never) => unknown) | undefined;
  const ready = reply(0, () => {
    answer = argv.includes(gentleArgument) ? gently(prepare) : prepare();
  });
  if (!ready) return;
  port.on('message', ({ id, question }: { readonly id: number; readonly question: never }) => {
    reply(id, () => answer!(question));
  });
}
