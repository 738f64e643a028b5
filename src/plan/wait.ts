import { judgeContainer, type Verdict } from './wait-container.ts';
import type { Memory, ObservedContainer } from './wait-memory.ts';

/** What a service must come to before an `up` may call itself done. */
export interface Expectation {
  readonly service: string;
  /** A job is done when it has ended with exit code 0. */
  readonly kind: 'service' | 'job';
  readonly replicas: number;
  readonly hasHealthcheck: boolean;
  /** Seconds from its turn until it must be ready. */
  readonly timeout: number;
  /** Seconds that it must have been well without a break; see `settling` for what it is where it is left out. */
  readonly stableFor?: number;
  /**
   * Milliseconds since the epoch by the engine's clock: what started before (of a job: ended before) does not count.
   * 0: what stands already counts.
   */
  readonly since: number;
}

export interface Observation {
  readonly containers: readonly ObservedContainer[];
  /** What was seen until now, this observation included. */
  readonly memory: Memory;
}

export interface WaitClock {
  /** The engine's time, milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since it was this service's turn. */
  readonly waited: number;
}

/**
 * Seconds that a service must have been well. A healthcheck vouches for it, so what is left to catch is the crash
 * that follows a first pass; without one nothing but time does, and programs that give up on a dependency often do
 * so after 20 seconds.
 */
const settling = { checked: 10, unchecked: 25 } as const;

/** Judges what is seen of one service: wait on, ready, or failed with the exit it means and why. */
export function judge(expectation: Expectation, observation: Observation, clock: WaitClock): Verdict {
  const verdict = judgeReplicas(expectation, observation, clock);
  if (verdict.kind !== 'waiting' || verdict.settling || clock.waited < expectation.timeout * 1_000) {
    return verdict;
  }
  const { kind, timeout } = expectation;
  const container = verdict.container === undefined ? {} : { container: verdict.container };
  return kind === 'job'
    ? {
        kind: 'failed',
        code: 'TIMED_OUT',
        reason: `did not end within ${timeout} s: ${verdict.reason}`,
        ...container,
      }
    : {
        kind: 'failed',
        code: 'UNHEALTHY',
        reason: `not ready within ${timeout} s: ${verdict.reason}`,
        ...container,
      };
}

function judgeReplicas(expectation: Expectation, observation: Observation, clock: WaitClock): Verdict {
  const { replicas } = expectation;
  const { containers, memory } = observation;
  if (replicas === 0) {
    return containers.length === 0 ? { kind: 'ready' } : waiting(`${containers.length} left to go`);
  }
  const stableFor = expectation.stableFor ?? settling[checked(expectation, containers)];
  const verdicts = containers.map((container) =>
    judgeContainer(container, {
      ...expectation,
      stableFor,
      memory,
      now: clock.now,
      turn: clock.now - clock.waited,
    }),
  );
  const failed = verdicts.find(({ kind }) => kind === 'failed');
  if (failed !== undefined) return failed;
  const ready = verdicts.filter(({ kind }) => kind === 'ready').length;
  if (ready >= replicas) return { kind: 'ready' };
  if (containers.length < replicas) return waiting(lacking(containers.length, replicas, memory));
  // What still has to happen says more than a window that only has to pass.
  const open = verdicts.filter((verdict) => verdict.kind === 'waiting');
  const first = open.find(({ settling }) => !settling) ?? open[0] ?? waiting('not seen yet');
  return replicas === 1
    ? first
    : { ...first, reason: `${ready} of ${replicas} ready; one is ${first.reason}` };
}

function checked(
  { hasHealthcheck }: Expectation,
  containers: readonly ObservedContainer[],
): 'checked' | 'unchecked' {
  return hasHealthcheck || containers.some(({ health }) => health !== null) ? 'checked' : 'unchecked';
}

function lacking(count: number, replicas: number, { seen }: Memory): string {
  if (count > 0) return `${count} of ${replicas} containers there`;
  return seen ? 'its container was removed' : 'no container yet';
}

function waiting(reason: string): Verdict & { readonly kind: 'waiting' } {
  return { kind: 'waiting', reason, settling: false };
}

/** A verdict in the words of a progress line. */
export function verdictInWords(verdict: Verdict): string {
  return verdict.kind === 'ready' ? 'ready' : verdict.reason;
}
