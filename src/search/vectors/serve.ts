import { argv } from 'node:process';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { toFault } from '../system/fault.ts';
import { gently } from './gentle.ts';
import { gentleArgument, type ThreadReply } from './thread.ts';

interface Asked {
  readonly id: number;
  readonly question: never;
}

/** Questions taken together, at most. */
const MOST_TOGETHER = 64;

/**
 * Answers what a thread is asked, in order. `prepare` runs first and its fault is the thread's own; `thing` is
 * what it works on, for the words of an error.
 */
export function serve(thing: string, prepare: () => (question: never) => unknown): void {
  serveTogether(
    thing,
    () => {
      const answer = prepare();
      return ([question]) => [answer(question!)];
    },
    1,
  );
}

/** The same for who answers several questions sooner together: those that wait, an answer for each. */
export function serveTogether(
  thing: string,
  prepare: () => (questions: readonly never[]) => readonly unknown[],
  most = MOST_TOGETHER,
): void {
  const port = parentPort;
  if (!port) throw new Error('this file runs only as a worker thread');
  const reply = (ids: readonly number[], act: () => readonly unknown[]) => {
    try {
      const answers = act();
      for (const [at, id] of ids.entries()) {
        port.postMessage({ id, answer: answers[at] } satisfies ThreadReply);
      }
      return true;
    } catch (error) {
      for (const id of ids) port.postMessage({ id, fault: toFault(error, thing) } satisfies ThreadReply);
      return false;
    }
  };
  let answer: ((questions: readonly never[]) => readonly unknown[]) | undefined;
  const ready = reply([0], () => {
    answer = argv.includes(gentleArgument) ? gently(prepare) : prepare();
    return [undefined];
  });
  if (!ready) return;
  port.on('message', (first: Asked) => {
    const asked = [first];
    while (asked.length < most) {
      const next: { readonly message: Asked } | undefined = receiveMessageOnPort(port);
      if (next === undefined) break;
      asked.push(next.message);
    }
    reply(
      asked.map(({ id }) => id),
      () => answer!(asked.map(({ question }) => question)),
    );
  });
}
