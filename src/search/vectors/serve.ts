import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { toFault } from '../system/fault.ts';
import { finish, gently, type Steps } from './steps.ts';
import type { ThreadOrder, ThreadReply } from './thread.ts';

/** What a thread holds open for somebody. */
export interface Held {
  /** An answer for each of the questions. */
  answer(questions: readonly never[]): readonly unknown[];
  close(): void;
}

/** A kind of thread. */
export interface Service<Data> {
  /** What `data` is about, for the words of an error. */
  readonly name: (data: Data) => string;
  readonly open: (data: Data) => Steps<Held>;
}

/** Orders taken together, at most: several questions may be answered sooner than one after the other. */
const MOST_TOGETHER = 64;

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
  const answer = (of: number, asked: readonly { readonly id: number; readonly question: unknown }[]) => {
    const one = held.get(of);
    try {
      if (!one) throw new Error('it was closed');
      const answers = one.it.answer(asked.map(({ question }) => question as never));
      for (const [at, { id }] of asked.entries()) say({ id, answer: answers[at] });
    } catch (error) {
      const fault = toFault(error, one?.name ?? 'what is held open');
      for (const { id } of asked) say({ id, fault });
    }
  };
  const doAll = (orders: readonly ThreadOrder[]) => {
    const questions = orders.filter((order) => 'of' in order);
    for (const [of, asked] of Map.groupBy(questions, (order) => order.of)) answer(of, asked);
    for (const order of orders) {
      if ('open' in order) take(order.id, order.open as Data, order.gently);
      else if ('close' in order) {
        held.get(order.close)?.it.close();
        held.delete(order.close);
      }
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
