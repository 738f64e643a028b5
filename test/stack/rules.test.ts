import { describe, expect, it } from 'vitest';

import { stackProblems } from '../../src/stack/rules.ts';
import { dataPathOf } from '../../src/stack/services/postgres.ts';
import { redisConfiguration } from '../../src/stack/services/redis.ts';
import {
  builtStack,
  everyService,
  goldenStacks,
  prodEnvironment,
  type StackGiven,
} from '../support/stack.ts';

function problems(given: StackGiven): string[] {
  const { stack, config } = builtStack(given);
  return stackProblems(stack, config).map(({ path, reason }) => `${path}: ${reason}`);
}

const external = (name: string): object => ({ services: { [name]: { external: true } } });
const prod = (env: Record<string, string>, file: object = {}): StackGiven => ({
  environment: 'prod',
  env: { ...prodEnvironment, ...env },
  file,
});

it.each(Object.keys(goldenStacks))('%s has no problem', (name) => {
  expect(problems(goldenStacks[name] ?? {})).toEqual([]);
});

describe('dev', () => {
  it.each<[StackGiven, string]>([
    [
      { env: { DB_HOST: 'db' } },
      "DB_HOST: db is neither a rendered service nor external: the stack's own is postgres",
    ],
    [{ env: { DB_PORT: '5433' } }, "DB_PORT: the stack's own postgres listens on 5432, not 5433"],
    [
      { env: { ELASTICSEARCH_URL: 'http://search:9200' } },
      "ELASTICSEARCH_URL: search is neither a rendered service nor external: the stack's own is elasticsearch",
    ],
    [
      { env: { DB_HOST: 'localhost' }, file: external('postgres') },
      'DB_HOST: localhost is not where an external postgres can be reached from a container; name its address in the network',
    ],
    [
      { file: { services: { redis: { enabled: false } } } },
      'REDIS_HOST: redis is neither rendered nor external',
    ],
    [
      { env: { CELERY_BROKER_URL: 'redis://queue:6379/0' }, file: { services: everyService } },
      'CELERY_BROKER_URL: its host queue is neither rendered nor external',
    ],
    [
      { file: { services: { elasticsearch: { resources: { memory: '900m' } } } } },
      "ES_JAVA_OPTS: a heap of 512 MiB is above half of elasticsearch's memory limit of 900 MiB",
    ],
    [
      { env: { PUBLISH_DATA_PORTS: 'true', PROXY_HTTP_PORT: '9200' } },
      'services.proxy: port 9200 of this machine is wanted by elasticsearch:9200 and proxy:8080',
    ],
    [
      { file: { services: { api: { resources: { memory: '512m', reserve: { memory: '1g' } } } } } },
      'services.api.resources: reserves more than its limit',
    ],
    [{ env: { TLS: 'on' } }, 'TLS_CERT: is required in dev where TLS is on'],
  ])('%j', (given, expected) => {
    expect(problems(given)).toContain(expected);
  });

  it('takes an external database by its address', () => {
    expect(problems({ env: { DB_HOST: 'db.example.org' }, file: external('postgres') })).toEqual([]);
    const { stack } = builtStack({ env: { DB_HOST: 'db.example.org' }, file: external('postgres') });
    expect(stack.services.some(({ name }) => name === 'postgres')).toBe(false);
    expect(stack.volumes.some(({ name }) => name === 'postgres-data')).toBe(false);
    expect(
      stack.services.flatMap(({ dependsOn }) => dependsOn).some(({ service }) => service === 'postgres'),
    ).toBe(false);
  });
});

describe('prod', () => {
  it.each<[StackGiven, string[]]>([
    [prod({ TLS: 'off' }), ['TLS: prod serves HTTPS; off needs a waiver with its reason']],
    [prod({ TLS: 'off' }, { waive: { 'tls-off': 'TLS ends at our load balancer' } }), []],
    [
      prod({ TLS_CERT: '', TLS_KEY: '' }),
      ['TLS_CERT: is required in prod where TLS is on', 'TLS_KEY: is required in prod where TLS is on'],
    ],
    [
      prod({ CLOUD_DOMAIN: '' }, { services: { cloud: everyService.cloud } }),
      ['CLOUD_DOMAIN: is required in prod where cloud is on'],
    ],
    [
      prod({}, { services: { postgres: { image: 'postgres:latest' } } }),
      [
        'services.postgres.image: postgres:latest is not pinned: name a version or a digest, so that every machine runs the same',
      ],
    ],
    [prod({}, { services: { postgres: { image: `postgres@sha256:${'a'.repeat(64)}` } } }), []],
  ])('%j', (given, expected) => {
    expect(problems(given)).toEqual(expected);
  });
});

it('mounts the volume where the version of Postgres keeps its data', () => {
  expect(dataPathOf('postgres:17.6-bookworm')).toBe('/var/lib/postgresql/data');
  expect(dataPathOf('registry.example.org/library/postgres:18')).toBe('/var/lib/postgresql');
  expect(dataPathOf('portiere-test/postgres:552d85a0988f')).toBe('/var/lib/postgresql/data');
  expect(dataPathOf('acme/database:3')).toBe('/var/lib/postgresql/data');
});

it('writes any password into the configuration of Redis', () => {
  expect(redisConfiguration('a"b\\c é', 1024)).toContain(String.raw`requirepass "a\x22b\x5cc\x20\xc3\xa9"`);
  expect(redisConfiguration(undefined, 1024)).not.toContain('requirepass');
});

describe('what must not be', () => {
  it.each<[StackGiven, string]>([
    [
      { file: { services: { postgres: { replicas: 2 } } } },
      'services.postgres.replicas: cannot be 2: two of it would write to the same volume',
    ],
    [
      {
        file: {
          services: { ...everyService, 'celery-beat': { ...everyService['celery-beat'], replicas: 2 } },
        },
      },
      'services.celery-beat.replicas: cannot be 2: two schedulers would run every task twice',
    ],
    [
      prod({ CLOUD_DOMAIN: 'api.example.org' }, { services: everyService }),
      'CLOUD_DOMAIN: api.example.org is the host name of api already (where API_DOMAIN is blank, that of NEXT_PUBLIC_API_URL)',
    ],
  ])('%j', (given, expected) => {
    expect(problems(given)).toContain(expected);
  });

  it('an image with old build arguments: others make another tag', () => {
    const reference = (url: string): string => {
      const { stack } = builtStack({
        env: { NEXT_PUBLIC_API_URL: url },
        file: { services: { cloud: { build: { context: 'cloud' } } } },
      });
      return stack.services.find(({ name }) => name === 'cloud')?.image.reference ?? '';
    };
    expect(reference('https://a.example.org')).not.toBe(reference('https://b.example.org'));
    expect(reference('https://a.example.org')).toBe(reference('https://a.example.org'));
  });

  it('an operator’s own image of a job that is passed over', () => {
    const { stack } = builtStack({ file: { services: { index: { image: 'acme/index:1' } } } });
    expect(stack.services.find(({ name }) => name === 'index')?.image).toEqual({
      reference: 'acme/index:1',
      build: null,
    });
  });
});
