import { setTimeout as rest } from 'node:timers/promises';

/** Work in steps of some milliseconds each, between which whoever runs it may do something else. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Times as long as a step took that its thread rests after it. */
const restFor = 4;

/** All steps, one after the other. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The steps of work that is in no hurry: the thread answers others between them, and leaves them the processor. */
export async function gently<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const start = performance.now();
    const step = steps.next();
    if (step.done === true) return step.value;
    await rest(restFor * (performance.now() - start));
  }
}

/** Work that is one step. */
// oxlint-disable-next-line require-yield
export function* atOnce<Result>(work: () => Result): Steps<Result> {
  return work();
}
