import type { BatchLimits } from './elasticsearch-batches.ts';

/** How much is asked of a search engine at once, by what it makes of it. */
export interface Pace {
  /** Requests that may be under way. */
  concurrency(): number;
  limits(): BatchLimits;
  /** A request was answered: how many documents, and how long it took (ms). */
  took(documents: number, duration: number): void;
  /** It was overloaded or away. */
  busy(): void;
  /** It takes no requests of so many bytes. */
  tooLarge(bytes: number): void;
}

const most = 8;
const bytes = 5 * 2 ** 20;
/** A killed load repeats what is under way, so no request may take long. */
const longest = 1_500;
/** What a further request must bring to stay. */
const worthIt = 1.05;
/** Rounds in which nothing is tried after one more did not help, or was too much. */
const rest = 12;

/**
 * Starts with two requests at once and adds one for as long as more documents go through; halves where the engine
 * is overloaded. `now` in milliseconds.
 */
export function newPace(now: () => number): Pace {
  let concurrency = 2;
  let limits: BatchLimits = { documents: 2_500, bytes };
  let resting = 0;
  let halvedAt = Number.NEGATIVE_INFINITY;
  /** The rate before a request was added, while it is on trial. */
  let before: number | undefined;
  let round = { since: now(), answers: 0, documents: 0 };

  const nextRound = (): void => {
    round = { since: now(), answers: 0, documents: 0 };
  };
  const judge = (rate: number): void => {
    if (before !== undefined && rate < before * worthIt) {
      concurrency -= 1;
      before = undefined;
      resting = rest;
    } else if (resting > 0) {
      resting -= 1;
    } else if (concurrency < most) {
      before = rate;
      concurrency += 1;
    } else {
      before = undefined;
    }
  };
  return {
    concurrency: () => concurrency,
    limits: () => limits,
    took(documents, duration) {
      if (duration > longest)
        limits = { ...limits, documents: Math.max(250, Math.floor(limits.documents / 2)) };
      round.answers += 1;
      round.documents += documents;
      if (round.answers < concurrency * 3) return;
      judge(round.documents / Math.max(1, now() - round.since));
      nextRound();
    },
    busy() {
      // What was under way together is refused together.
      if (now() - halvedAt < 1_000) return;
      halvedAt = now();
      concurrency = Math.max(1, Math.floor(concurrency / 2));
      before = undefined;
      resting = rest;
      nextRound();
    },
    tooLarge(size) {
      limits = { ...limits, bytes: Math.min(limits.bytes, Math.max(1_024, Math.floor(size / 2))) };
    },
  };
}
