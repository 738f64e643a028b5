import type { ServiceName } from '../config/services.ts';
import type { Resources } from './model.ts';

/** Images of the default stack, by exact version. */
export const defaultImages = {
  node: 'node:24.8.0-bookworm-slim',
  postgres: 'postgres:17.6-bookworm',
  redis: 'redis:7.4.5-bookworm',
  elasticsearch: 'docker.elastic.co/elasticsearch/elasticsearch:9.1.3',
  proxy: 'nginx:1.28.0-bookworm',
} as const;

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

type Row = readonly [cpus: number, memory: number, pids: number, reserved: readonly [number, number] | null];

/** Limits for one machine; reservations follow the requests that the reference deployment asks for. */
const production: Readonly<Record<ServiceName, Row>> = {
  postgres: [2, 4 * GiB, 512, [0.5, GiB]],
  redis: [0.5, GiB, 128, [0.1, 256 * MiB]],
  elasticsearch: [2, GiB, 2048, [1, GiB]],
  migrate: [1, GiB, 128, null],
  index: [2, 6 * GiB, 512, null],
  api: [2, 4 * GiB, 256, [0.5, GiB]],
  'celery-worker': [1, 2 * GiB, 256, [0.25, 512 * MiB]],
  'celery-beat': [0.5, 512 * MiB, 64, [0.1, 128 * MiB]],
  cloud: [1, GiB, 128, [0.25, 512 * MiB]],
  mapper: [1, GiB, 128, [0.25, 512 * MiB]],
  proxy: [0.5, 256 * MiB, 64, [0.1, 64 * MiB]],
};

const small: Readonly<Record<ServiceName, Row>> = {
  postgres: [2, 768 * MiB, 512, null],
  redis: [1, 256 * MiB, 128, null],
  elasticsearch: [2, GiB, 2048, null],
  migrate: [2, 512 * MiB, 128, null],
  index: [2, 2 * GiB, 512, null],
  api: [2, 1.5 * GiB, 256, null],
  'celery-worker': [2, 768 * MiB, 256, null],
  'celery-beat': [1, 256 * MiB, 64, null],
  cloud: [2, 768 * MiB, 128, null],
  mapper: [2, 768 * MiB, 128, null],
  proxy: [1, 128 * MiB, 64, null],
};

/** The limits of a service where the configuration names none. */
export function defaultResources(base: 'dev' | 'test' | 'prod', name: ServiceName): Resources {
  const [cpus, limit, pids, reserved] = (base === 'prod' ? production : small)[name];
  // What is kept in memory counts against the limit.
  const memory = base === 'test' && name === 'postgres' ? limit + 2 * GiB : limit;
  return {
    cpus,
    memory,
    pids,
    reserve: reserved === null ? null : { cpus: reserved[0], memory: reserved[1] },
  };
}
