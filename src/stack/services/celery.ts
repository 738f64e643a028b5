import type { ServiceName } from '../../config/services.ts';
import type { Service } from '../model.ts';
import {
  hardened,
  imageOf,
  type Making,
  type Parts,
  secret,
  secretsAsVariables,
  service,
} from '../service.ts';

export function celeryWorker(making: Making): Service {
  const { CELERY_APP, CELERY_CONCURRENCY, LOG_LEVEL } = making.config.settings;
  return service(making, 'celery-worker', {
    ...parts(making, 'celery-worker'),
    command: [
      'celery',
      '-A',
      CELERY_APP,
      'worker',
      '--concurrency',
      String(CELERY_CONCURRENCY),
      '--loglevel',
      LOG_LEVEL,
    ],
    healthcheck: {
      // Asking a worker starts a Python of its own: not too often.
      test: ['sh', '-c', `${withSecrets}celery -A ${CELERY_APP} inspect ping -d "celery@$HOSTNAME"`],
      interval: 10,
      timeout: 20,
      retries: 5,
      startPeriod: 60,
    },
    // A task in hand is finished before the worker goes.
    stopGrace: 60,
  });
}

/** The one scheduler; two of them would run every task twice. */
export function celeryBeat(making: Making): Service {
  const { CELERY_APP, LOG_LEVEL } = making.config.settings;
  return service(making, 'celery-beat', {
    ...parts(making, 'celery-beat'),
    command: [
      'celery',
      '-A',
      CELERY_APP,
      'beat',
      '--loglevel',
      LOG_LEVEL,
      '--schedule',
      '/tmp/celerybeat-schedule',
      '--pidfile',
      '',
    ],
  });
}

/** The application is imported by the probe too, and finds what the worker was given. */
const withSecrets =
  'for file in /run/secrets/*; do export "${file##*/}=$(cat "$file")"; done; HOSTNAME="${HOSTNAME:-$(hostname)}"; ';

function parts(making: Making, name: ServiceName): Parts {
  const { config } = making;
  const { settings } = config;
  return {
    image: imageOf(making, name, {}),
    entrypoint: secretsAsVariables,
    environment: {
      DB_HOST: settings.DB_HOST,
      DB_PORT: String(settings.DB_PORT),
      DB_NAME: settings.DB_NAME,
      DB_USER: settings.DB_USER,
      REDIS_HOST: settings.REDIS_HOST,
      REDIS_PORT: String(settings.REDIS_PORT),
      ELASTICSEARCH_URL: settings.ELASTICSEARCH_URL.join(','),
      LOG_LEVEL: settings.LOG_LEVEL,
    },
    secrets: [
      secret('CELERY_BROKER_URL'),
      secret('DB_PASSWORD'),
      ...(settings.REDIS_PASSWORD === undefined ? [] : [secret('REDIS_PASSWORD')]),
      ...(settings.ELASTIC_PASSWORD === undefined ? [] : [secret('ELASTIC_PASSWORD')]),
    ],
    networks: ['back', 'front'],
    mounts: [{ kind: 'memory', target: '/tmp', bytes: 128 * 1024 ** 2 }],
    dependsOn: [
      { service: 'redis', condition: 'healthy' },
      { service: 'postgres', condition: 'healthy' },
    ],
    security: hardened(making, '1000:1000'),
  };
}

/** The broker of the workers: as set, else the stack's Redis. */
export function brokerUrl({ config }: Making): string {
  const { CELERY_BROKER_URL, REDIS_HOST, REDIS_PORT, REDIS_PASSWORD } = config.settings;
  const given = CELERY_BROKER_URL?.reveal() ?? '';
  if (given !== '') return given;
  const password = REDIS_PASSWORD === undefined ? '' : `:${encodeURIComponent(REDIS_PASSWORD.reveal())}@`;
  return `redis://${password}${REDIS_HOST}:${REDIS_PORT}/0`;
}
