/** What is looked at of a container; times in milliseconds since the epoch by the engine's clock. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly restartCount: number;
  /** Of its memory, 0 for none. */
  readonly limits: { readonly memoryBytes: number };
  readonly health: {
    readonly status: 'starting' | 'healthy' | 'unhealthy';
    readonly failingStreak: number;
    readonly log: readonly { readonly end: number; readonly exitCode: number }[];
  } | null;
}

/** How a container ended. */
export type End = Pick<ObservedContainer, 'exitCode' | 'oomKilled' | 'limits'>;

/**
 * Killed within a limit of memory, which the engine does not always hear of: above all right after a start
 * (containerd's issues 8180 and 8893). Or by somebody, or because the machine itself lacks memory.
 */
export function mayLackMemory({ exitCode, limits }: Pick<End, 'exitCode' | 'limits'>): boolean {
  return exitCode === 137 && limits.memoryBytes > 0;
}

/** What earlier looks at a service's containers left behind. */
export interface Memory {
  /** A container was there at some time. */
  readonly seen: boolean;
  /** Restart count of each container, by id, when the wait began. */
  readonly restarts: Readonly<Record<string, number>>;
  /** How each container, by id, ended last: the engine forgets that when it starts it again. */
  readonly lastEnd: Readonly<Record<string, End>>;
  /** Since when each run of a container, by `keyOf`, has been well without a break. */
  readonly good: Readonly<Record<string, number>>;
  /** Runs, by `keyOf`, that every look found unhealthy: the verdict may be of a time before this wait. */
  readonly sick: Readonly<Record<string, true>>;
}

export const nothingSeen: Memory = { seen: false, restarts: {}, lastEnd: {}, good: {}, sick: {} };

/** The memory with one more look in it. */
export function remember(memory: Memory, containers: readonly ObservedContainer[], since: number): Memory {
  const restarts = { ...memory.restarts };
  const lastEnd = { ...memory.lastEnd };
  // What is not well now is left out, so its time begins anew.
  const good: Record<string, number> = {};
  const sick: Record<string, true> = {};
  for (const container of containers) {
    const { id, exitCode, oomKilled, limits, state, health, finishedAt } = container;
    const key = keyOf(container);
    const always = memory.restarts[id] === undefined || memory.sick[key] === true;
    if (always && health?.status === 'unhealthy') sick[key] = true;
    // All restarts of a container made since are of this wait, those before the first look as well.
    restarts[id] ??= since > 0 && container.createdAt >= since ? 0 : container.restartCount;
    const ended = state === 'restarting' || state === 'exited';
    if (ended && (finishedAt ?? since) >= since) lastEnd[id] = { exitCode, oomKilled, limits };
    const from = goodSince(container);
    if (from !== undefined) good[key] = Math.min(from, memory.good[key] ?? from);
  }
  return { seen: memory.seen || containers.length > 0, restarts, lastEnd, good, sick };
}

/** One run of a container: a restart begins another. */
export function keyOf({ id, startedAt }: ObservedContainer): string {
  return `${id}@${startedAt ?? 0}`;
}

/**
 * Since when a container has been well, as far as it shows itself: from its start, or where it has a healthcheck,
 * from the first of its latest unbroken row of passes, which must all be of this run. Undefined: it is not.
 */
export function goodSince({ state, startedAt, health }: ObservedContainer): number | undefined {
  if (state !== 'running' || startedAt === null) return undefined;
  if (health === null) return startedAt;
  if (health.status !== 'healthy' || health.failingStreak > 0) return undefined;
  // The engine keeps results of earlier runs in the log.
  const results = health.log.filter(({ end }) => end > startedAt);
  const lastFailure = results.findLastIndex(({ exitCode }) => exitCode !== 0);
  return results[lastFailure + 1]?.end;
}
