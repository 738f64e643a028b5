/** Decides whether a client may go on: a sliding window, so that no minute ever holds more than the limit. */
export interface Limiter {
  /** Name of the part that readiness tells of. */
  readonly component: 'rate_limiter' | 'redis';
  /** Counts one request; what is left, and after how many seconds a refused client may come again. */
  take(client: string): Promise<Taken>;
  /** True while it cannot count what other processes let through. */
  degraded(): boolean;
  /** Rejects, saying why, where it is degraded. */
  ping(): Promise<void>;
}

export interface Taken {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfter: number;
}

/** A limiter in this process's memory. */
export interface LocalLimiter extends Limiter {
  /** Counts a request that was let through elsewhere. */
  note(client: string): void;
}

/** Milliseconds in which a client may come as often as the limit says. */
export const limitWindow = 60_000;
const maximumClients = 10_000;

/** A limiter in this process's memory, for one process alone; `now` in milliseconds. */
export function localLimiter(given: number | (() => number), now: () => number): LocalLimiter {
  const currently = typeof given === 'number' ? (): number => given : given;
  const clients = new Map<string, number[]>();
  const recent = (client: string, time: number): number[] => {
    const times = clients.get(client) ?? [];
    const over = times.findIndex((past) => past > time - limitWindow);
    times.splice(0, over === -1 ? times.length : over);
    clients.delete(client);
    clients.set(client, times);
    if (clients.size > maximumClients) clients.delete(clients.keys().next().value ?? '');
    return times;
  };
  return {
    component: 'rate_limiter',
    async take(client) {
      const time = now();
      const limit = currently();
      const times = recent(client, time);
      const allowed = times.length < limit;
      if (allowed) times.push(time);
      const first = times.at(-limit) ?? time;
      return {
        allowed,
        remaining: Math.max(0, limit - times.length),
        retryAfter: allowed ? 0 : Math.max(1, Math.ceil((first + limitWindow - time) / 1000)),
      };
    },
    note(client) {
      const time = now();
      const times = recent(client, time);
      times.push(time);
    },
    degraded: () => false,
    async ping() {},
  };
}
