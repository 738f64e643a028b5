/** Decides whether a client may go on: a sliding window, so that no minute ever holds more than the limit. */
export interface Limiter {
  /** Counts one request; what is left, and after how many seconds a refused client may come again. */
  take(
    client: string,
  ): Promise<{ readonly allowed: boolean; readonly remaining: number; readonly retryAfter: number }>;
  ping(): Promise<void>;
}

const window = 60_000;
const maximumClients = 10_000;

/** A limiter in this process's memory, for one process alone. */
export function localLimiter(limit: number, now: () => number): Limiter {
  const clients = new Map<string, number[]>();
  return {
    async take(client) {
      const time = now();
      const times = (clients.get(client) ?? []).filter((past) => past > time - window);
      const allowed = times.length < limit;
      if (allowed) times.push(time);
      clients.delete(client);
      clients.set(client, times);
      if (clients.size > maximumClients) clients.delete(clients.keys().next().value ?? '');
      const first = times[0] ?? time;
      return {
        allowed,
        remaining: Math.max(0, limit - times.length),
        retryAfter: allowed ? 0 : Math.max(1, Math.ceil((first + window - time) / 1000)),
      };
    },
    async ping() {},
  };
}
