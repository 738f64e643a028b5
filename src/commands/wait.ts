import { PortiereError } from '../errors.ts';
import type { Verdict } from '../plan/wait-container.ts';
import { type Memory, nothingSeen, remember } from '../plan/wait-memory.ts';
import { type Expectation, judge, verdictInWords } from '../plan/wait.ts';
import type { Clock } from '../ports.ts';
import type { ContainerHealth, ContainerState, Engine, Owned } from '../ports/engine.ts';
import { isOfTheStack } from '../plan/one-off.ts';

/** An expectation, and the services that must be ready before its own time starts to run. */
export type Awaited = Expectation & { readonly after?: readonly string[] };

export interface WaitOptions {
  readonly owned: Owned;
  readonly clock: Clock;
  /** Seconds for everything together: `--timeout`. */
  readonly timeout?: number;
  /** Milliseconds between looks. */
  readonly poll?: number;
  /** Called when what there is to say of a service changes. */
  readonly onChange?: (service: string, words: string, verdict: Verdict) => void;
  readonly signal?: AbortSignal;
}

export interface ServiceResult {
  readonly service: string;
  readonly verdict: Verdict;
  /** From the beginning of the wait to the verdict, or to the end of the wait. */
  readonly seconds: number;
  /** Of a service that failed: its last lines, and the results of its healthcheck. */
  readonly evidence: {
    readonly log: readonly string[];
    readonly health: ContainerHealth['log'];
  } | null;
}

export interface WaitResult {
  /** Every service is ready. */
  readonly ok: boolean;
  readonly seconds: number;
  /** In the order of the expectations. */
  readonly services: readonly ServiceResult[];
}

const logLines = 20;

interface Watch {
  readonly expectation: Awaited;
  memory: Memory;
  verdict: Verdict;
  words: string;
  /** When its turn came, and when its verdict fell; elapsed milliseconds. */
  turn: number | undefined;
  decided: number | undefined;
  containers: readonly ContainerState[];
}

/** Waits until every service is ready, or the first one has failed; throws the signal's reason when aborted. */
export async function waitFor(
  engine: Pick<Engine, 'containers' | 'info' | 'logs'>,
  expectations: readonly Awaited[],
  options: WaitOptions,
): Promise<WaitResult> {
  const { clock, owned, poll = 300, signal } = options;
  const start = clock.elapsed();
  const watches = expectations.map(newWatch);
  const skew = (await engine.info()).time - clock.now().getTime();
  const end = options.timeout === undefined ? Infinity : start + options.timeout * 1_000;
  while (true) {
    signal?.throwIfAborted();
    const containers = (await engine.containers(owned, { all: true })).filter(isOfTheStack);
    const time = { now: clock.now().getTime() + skew, elapsed: clock.elapsed() };
    for (const watch of watches) look(watch, watches, { containers, time });
    if (time.elapsed >= end) giveUp(watches, options.timeout ?? 0);
    for (const watch of watches) tell(watch, options.onChange);
    const failed = watches.some(({ verdict }) => verdict.kind === 'failed');
    if (failed || watches.every(({ verdict }) => verdict.kind === 'ready')) break;
    await clock.sleep(poll);
  }
  const elapsed = clock.elapsed();
  const services = await Promise.all(
    watches.map(async (watch) => ({
      service: watch.expectation.service,
      verdict: watch.verdict,
      seconds: ((watch.decided ?? elapsed) - start) / 1_000,
      evidence: await evidenceOf(engine, watch),
    })),
  );
  const ok = watches.every(({ verdict }) => verdict.kind === 'ready');
  return { ok, seconds: (elapsed - start) / 1_000, services };
}

function newWatch(expectation: Awaited): Watch {
  const verdict = { kind: 'waiting', reason: 'not seen yet', settling: false } as const;
  return {
    expectation,
    memory: nothingSeen,
    verdict,
    words: '',
    turn: undefined,
    decided: undefined,
    containers: [],
  };
}

interface Look {
  readonly containers: readonly ContainerState[];
  readonly time: { readonly now: number; readonly elapsed: number };
}

function look(watch: Watch, watches: readonly Watch[], { containers, time }: Look): void {
  const { expectation } = watch;
  watch.containers = containers.filter(({ service }) => service === expectation.service);
  watch.memory = remember(watch.memory, watch.containers, expectation.since);
  const ahead = (expectation.after ?? []).filter(
    (name) => watches.find((other) => other.expectation.service === name)?.verdict.kind === 'waiting',
  );
  if (ahead.length === 0) watch.turn ??= time.elapsed;
  const waited = time.elapsed - (watch.turn ?? time.elapsed);
  const verdict = judge(expectation, watch, { now: time.now, waited });
  // Ready is left only for a fact, not because one later check was slow.
  if (watch.decided !== undefined && (verdict.kind !== 'failed' || isLate(verdict, watch, time.now))) return;
  watch.verdict =
    ahead.length > 0 && verdict.kind === 'waiting' && watch.containers.every(isIdle)
      ? { ...verdict, reason: `after ${ahead.join(', ')}` }
      : verdict;
  watch.decided = verdict.kind === 'waiting' ? undefined : time.elapsed;
}

/** The same look without the clock would not have failed it. */
function isLate(verdict: Verdict, watch: Watch, now: number): boolean {
  return verdict.kind === 'failed' && judge(watch.expectation, watch, { now, waited: 0 }).kind !== 'failed';
}

function isIdle({ state }: ContainerState): boolean {
  return state === 'created' || state === 'exited';
}

/** The time for everything is up: what is still waited for has failed by that. */
function giveUp(watches: readonly Watch[], timeout: number): void {
  for (const watch of watches) {
    const { verdict } = watch;
    if (verdict.kind !== 'waiting') continue;
    const reason = `the ${timeout} s for everything are up: ${verdict.reason}`;
    const container = verdict.container === undefined ? {} : { container: verdict.container };
    watch.verdict = { kind: 'failed', code: 'TIMED_OUT', reason, ...container };
  }
}

function tell(watch: Watch, onChange: WaitOptions['onChange']): void {
  const words = verdictInWords(watch.verdict);
  if (words === watch.words) return;
  watch.words = words;
  onChange?.(watch.expectation.service, words, watch.verdict);
}

async function evidenceOf(engine: Pick<Engine, 'logs'>, watch: Watch): Promise<ServiceResult['evidence']> {
  const { verdict, containers } = watch;
  if (verdict.kind !== 'failed') return null;
  const container = containers.find(({ id }) => id === verdict.container);
  if (container === undefined) return { log: [], health: [] };
  const log: string[] = [];
  try {
    for await (const { text } of engine.logs(container.id, { tail: logLines })) log.push(text);
  } catch (error) {
    // Without the log the verdict still stands, as it does for drivers that keep none.
    log.push(`(no log: ${(error as Error).message})`);
  }
  return { log, health: container.health?.log ?? [] };
}

/** The first failure as the error to end with (UNHEALTHY or TIMED_OUT), or undefined where all is ready. */
export function failureOf({ services }: WaitResult): PortiereError | undefined {
  const failed = services.filter(({ verdict }) => verdict.kind === 'failed');
  const [first] = failed;
  if (first?.verdict.kind !== 'failed') return undefined;
  const others = failed.slice(1).map(({ service }) => service);
  const also = others.length === 0 ? '' : ` (so did ${others.join(', ')})`;
  return new PortiereError(
    first.verdict.code,
    `Service ${first.service} failed: ${first.verdict.reason}${also}`,
    { hint: `portiere logs ${first.service} shows what it says.` },
  );
}
