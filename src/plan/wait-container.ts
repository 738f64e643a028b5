import {
  type End,
  goodSince,
  keyOf,
  mayLackMemory,
  type Memory,
  type ObservedContainer,
} from './wait-memory.ts';

export type Verdict =
  | {
      readonly kind: 'waiting';
      readonly reason: string;
      /** Well already, and only to stay so for a while: no timeout cuts this short. */
      readonly settling: boolean;
      readonly container?: string;
    }
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'failed';
      readonly code: 'UNHEALTHY' | 'TIMED_OUT';
      readonly reason: string;
      /** Id of the container to look at. */
      readonly container?: string;
    };

export interface ContainerTerms {
  readonly kind: 'service' | 'job';
  readonly hasHealthcheck: boolean;
  /** Seconds. */
  readonly stableFor: number;
  readonly since: number;
  readonly memory: Memory;
  readonly now: number;
  /** When its turn came, by the same clock. */
  readonly turn: number;
}

/** One restart may be a dependency that came late; two are a loop. */
const loop = 2;
/** Checks that a container found unhealthy may still fail. */
const fresh = 3;
const MIB = 2 ** 20;

/** Judges one container of a service; the timeout is not looked at here. */
export function judgeContainer(container: ObservedContainer, terms: ContainerTerms): Verdict {
  const { id: from, state, health } = container;
  const waiting = (reason: string): Verdict => ({
    kind: 'waiting',
    reason,
    settling: false,
    container: from,
  });
  const failed = (reason: string): Verdict => ({
    kind: 'failed',
    code: 'UNHEALTHY',
    reason,
    container: from,
  });
  const error = container.error === '' ? '' : ` (${container.error})`;
  if (state === 'created') {
    return error === '' || container.createdAt < terms.since
      ? waiting(`created, not started${error}`)
      : failed(`could not be started: ${container.error}`);
  }
  if (isFromBefore(container, terms)) return waiting(`still ${state} from before${error}`);
  if (state === 'removing') return waiting('being removed');
  if (state === 'paused') return waiting('paused');
  if (state === 'dead') return failed('dead: the engine could not remove it');
  if (state === 'exited') return ended(container, terms, failed);
  const crashes = crashLoop(container, terms);
  if (crashes !== undefined) return failed(crashes);
  if (state === 'restarting') return waiting(`restarting after it ${howItEnded(container)}`);
  if (terms.kind === 'job') return waiting(`running for ${seconds(terms.now - (container.startedAt ?? 0))}`);
  if (health?.status === 'unhealthy') {
    return isOldVerdict(container, terms)
      ? waiting('unhealthy from before, checked again')
      : failed(unhealthy(health));
  }
  return settled(container, terms);
}

/** A service that runs since before has yet to be replaced; a job that ended before has yet to run. */
function isFromBefore(container: ObservedContainer, { kind, since }: ContainerTerms): boolean {
  const { startedAt, finishedAt, state } = container;
  if (kind === 'job' && state === 'exited') return (finishedAt ?? 0) < since;
  return kind === 'service' && (startedAt ?? 0) < since;
}

function ended(
  container: ObservedContainer,
  { kind }: ContainerTerms,
  failed: (reason: string) => Verdict,
): Verdict {
  if (kind === 'job' && container.exitCode === 0) return { kind: 'ready' };
  const ran =
    container.startedAt === null || container.finishedAt === null
      ? ''
      : ` after ${seconds(container.finishedAt - container.startedAt)}`;
  const still = kind === 'service' && container.exitCode === 0 ? ', and should have gone on' : '';
  return failed(`${howItEnded(container)}${ran}${still}`);
}

/** Restarted again and again; a last exit not seen yet is waited for once more, the pauses grow longer. */
function crashLoop(container: ObservedContainer, { memory }: ContainerTerms): string | undefined {
  const grown = container.restartCount - (memory.restarts[container.id] ?? container.restartCount);
  const last = memory.lastEnd[container.id];
  if (grown < loop || (last === undefined && grown === loop)) return undefined;
  return `crash loop: restarted ${grown} times${last === undefined ? '' : `, last ${howItEnded(last)}`}`;
}

/** What made it unhealthy may just have been mended: it is given some checks of this wait. */
function isOldVerdict(container: ObservedContainer, { memory, turn }: ContainerTerms): boolean {
  const { startedAt, health } = container;
  if (memory.sick[keyOf(container)] !== true || (startedAt ?? 0) >= turn) return false;
  return (health?.log ?? []).filter(({ end }) => end > turn).length < fresh;
}

function unhealthy({ failingStreak, log }: NonNullable<ObservedContainer['health']>): string {
  const last = log.at(-1);
  const code = last === undefined ? '' : ` (exit code ${last.exitCode})`;
  return `unhealthy: its healthcheck failed ${failingStreak} times in a row${code}`;
}

/** Running: well for as long as asked? */
function settled(container: ObservedContainer, terms: ContainerTerms): Verdict {
  const { health, id } = container;
  const wait = (reason: string, settling: boolean): Verdict => ({
    kind: 'waiting',
    reason,
    settling,
    container: id,
  });
  if (health === null && terms.hasHealthcheck) return wait('running, its healthcheck has not begun', false);
  const good = terms.memory.good[keyOf(container)] ?? goodSince(container);
  if (health !== null && good === undefined) {
    if (health.status === 'healthy' && health.failingStreak > 0) {
      return wait('healthy, but its last check failed', false);
    }
    if (health.status === 'healthy') return wait('its healthcheck has not run since its start', false);
    const tries = health.failingStreak === 0 ? '' : `, ${health.failingStreak} checks failed so far`;
    return wait(`health: starting${tries}`, false);
  }
  const passed = terms.now - (good ?? terms.now);
  if (passed >= terms.stableFor * 1_000) return { kind: 'ready' };
  const word = health === null ? 'running' : 'healthy';
  return wait(`${word} for ${Math.max(0, Math.floor(passed / 1_000))} of ${terms.stableFor} s`, true);
}

/** How a program ended: its exit code, the signal it means, and lack of memory. */
function howItEnded(end: End): string {
  if (end.oomKilled) return `was killed for lack of memory (OOM, exit code ${end.exitCode})`;
  if (mayLackMemory(end)) {
    const limit = `${Math.round(end.limits.memoryBytes / MIB)} MiB`;
    return `was killed, perhaps for lack of memory (exit code 137, its limit is ${limit})`;
  }
  const meaning: Readonly<Record<number, string>> = {
    126: ': not executable',
    127: ': command not found',
    137: ': killed',
    139: ': segmentation fault',
    143: ': terminated',
  };
  return `exited with code ${end.exitCode}${meaning[end.exitCode] ?? ''}`;
}

/** `3.2 s`. */
function seconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1_000).toFixed(1)} s`;
}
