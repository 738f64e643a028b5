import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the API counts. No label grows with clients or queries. */
export interface Metrics {
  observe(route: string, status: number, seconds: number): void;
  /** The whole exposition, for `/metrics`. */
  text(now: { readonly build: string | null; readonly limiterDegraded: boolean }): Promise<string>;
  readonly contentType: string;
}

export function newMetrics(version: string, residentMemory: () => number): Metrics {
  const registers = [new Registry()];
  const requests = new Counter({
    name: 'portiere_http_requests_total',
    help: 'Requests answered, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'portiere_http_request_duration_seconds',
    help: 'Time to answer a request, by route.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const info = new Gauge({
    name: 'portiere_index_info',
    help: '1 for the index build that is served.',
    labelNames: ['build', 'version'],
    registers,
  });
  const limiter = new Gauge({
    name: 'portiere_rate_limiter_degraded',
    help: '1 while the rate limit is counted by this process alone, because Redis does not answer.',
    registers,
  });
  const memory = new Gauge({
    name: 'portiere_process_resident_memory_bytes',
    help: 'Resident memory.',
    registers,
  });
  return {
    contentType: registers[0]?.contentType ?? 'text/plain',
    observe(route, status, took) {
      requests.inc({ route, status: String(status) });
      seconds.observe({ route }, took);
    },
    async text({ build, limiterDegraded }) {
      limiter.set(limiterDegraded ? 1 : 0);
      info.reset();
      if (build !== null) info.set({ build, version }, 1);
      memory.set(residentMemory());
      return (await registers[0]?.metrics()) ?? '';
    },
  };
}
