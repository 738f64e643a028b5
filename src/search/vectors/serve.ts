import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { toFault } from '../system/fault.ts';
import { finish, gently, type Steps } from './steps.ts';
import type { ThreadOrder, ThreadReply } from './thread.ts';

/** What a thread holds open for somebody. */
export interface Held {
  answer(question: never): unknown;
  /** For who answers several questions sooner together: an answer for each. */
  answerAll?(questions: readonly never[]): readonly unknown[];
  close(): void;
}

/** A kind of thread. */
export interface Service<Data> {
  /** What `data` is about, for the words of an error. */
  readonly name: (data: Data) => string;
  readonly open: (data: Data) => Steps<Held>;
}

interface Asked {
  readonly id: number;
  readonly question: unknown;
}

/** Orders taken together, at most: several questions may be answered sooner than one after the other. */
const MOST_TOGETHER = 64;

/** Milliseconds after the last close when the memory of what was closed is given back, in the first `QUIET` of them. */
const COLLECT_AFTER = 10_000;
const QUIET = 4;
/** Times that it waits for such a moment. */
const MOST_WAITS = 1000;

/** Does what the thread is told, in order; what is opened gently is opened in between. */
export function serve<Data>({ name, open }: Service<Data>): void {
  const port = parentPort;
  if (!port) throw new Error('this file runs only as a worker thread');
  const held = new Map<number, { readonly name: string; readonly it: Held }>();
  const say = (reply: ThreadReply) => port.postMessage(reply);

  const take = (id: number, data: Data, inNoHurry: boolean) => {
    const thing = name(data);
    const keep = (it: Held) => {
      held.set(id, { name: thing, it });
      say({ id, answer: undefined });
    };
    const fail = (error: unknown) => say({ id, fault: toFault(error, thing) });
    if (inNoHurry) {
      gently(open(data)).then(keep, fail);
      return;
    }
    try {
      keep(finish(open(data)));
    } catch (error) {
      fail(error);
    }
  };
  const answer = (of: number, asked: readonly Asked[]) => {
    const one = held.get(of);
    try {
      if (!one) throw new Error('it was closed');
      const questions = asked.map(({ question }) => question as never);
      const answers = one.it.answerAll?.(questions) ?? questions.map((question) => one.it.answer(question));
      for (const [at, { id }] of asked.entries()) say({ id, answer: answers[at] });
    } catch (error) {
      const fault = toFault(error, one?.name ?? 'what is held open');
      for (const { id } of asked) say({ id, fault });
    }
  };
  const collectLater = newCollector(() => taken);
  const close = (of: number) => {
    try {
      held.get(of)?.it.close();
    } catch {
      // Nobody waits for it, and others are held open here.
    }
    held.delete(of);
    collectLater();
  };
  let taken = 0;
  const doAll = (orders: readonly ThreadOrder[]) => {
    taken += orders.length;
    const questions = orders.filter((order) => 'of' in order);
    for (const [of, asked] of Map.groupBy(questions, (order) => order.of)) {
      if (held.get(of)?.it.answerAll) answer(of, asked);
      else for (const one of asked) answer(of, [one]);
    }
    for (const order of orders) {
      if ('open' in order) take(order.id, order.open as Data, order.gently);
      else if ('close' in order) close(order.close);
    }
  };
  port.on('message', (first: ThreadOrder) => {
    const orders = [first];
    while (orders.length < MOST_TOGETHER) {
      const next: { readonly message: ThreadOrder } | undefined = receiveMessageOnPort(port);
      if (next === undefined) break;
      orders.push(next.message);
    }
    doAll(orders);
  });
}

/**
 * Gives back the memory of what was closed, if asked: that of WebAssembly goes with what refers to it, and a thread that
 * has little to do would not look for that. Nothing is answered for some milliseconds then, so it is done once for
 * all that is closed in a row, and at a moment without orders.
 */
function newCollector(orders: () => number): () => void {
  let collect: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = (before: number, waits: number) => {
    const now = orders();
    if (now !== before && waits < MOST_WAITS) {
      timer = setTimeout(look, QUIET, now, waits + 1).unref();
      return;
    }
    if (!collect) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as () => void;
    }
    collect();
  };
  return () => {
    clearTimeout(timer);
    timer = setTimeout(look, COLLECT_AFTER, -1, 0).unref();
  };
}
