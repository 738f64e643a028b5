import type { Config } from '../config/config.ts';
import { Secret } from '../config/secret.ts';
import { isOn } from '../config/service-layers.ts';
import { externalServices, type ServiceName, serviceNames } from '../config/services.ts';
import { PortiereError } from '../errors.ts';
import type { StackFacts } from './facts.ts';
import type { Exception, Network, SecretFile, Service, Stack, Volume } from './model.ts';
import type { Making } from './service.ts';
import { api } from './services/api.ts';
import { cloud, mapper } from './services/apps.ts';
import { brokerUrl, celeryBeat, celeryWorker } from './services/celery.ts';
import { elasticsearch } from './services/elasticsearch.ts';
import { index, migrate } from './services/jobs.ts';
import { postgres } from './services/postgres.ts';
import { proxy, sites } from './services/proxy.ts';
import { redis, redisConfiguration } from './services/redis.ts';

/** Every service by name: the registry. */
const makers: Readonly<Record<ServiceName, (making: Making) => Service>> = {
  postgres,
  redis,
  elasticsearch,
  migrate,
  index,
  api,
  'celery-worker': celeryWorker,
  'celery-beat': celeryBeat,
  cloud,
  mapper,
  proxy,
};

/** The stack of an environment that runs one (dev, test, prod, or what extends them). */
export function buildStack(config: Config, facts: StackFacts): Stack {
  if (config.base === 'embedded')
    throw new PortiereError('BUG', 'The embedded environment has no stack of containers.');
  const making: Making = { config, base: config.base, facts };
  const bare = serviceNames.filter((name) => isOn(config.services, name)).map((name) => makers[name](making));
  const secrets = secretFiles(making, bare);
  const contents = new Map(secrets.map(({ name, content }) => [name, content]));
  return {
    project: config.name,
    environment: config.environment,
    base: config.base,
    namespace: `${config.name}-${config.environment}`,
    version: facts.version,
    services: bare.map((one) => withFingerprints(one, contents, facts)),
    volumes: volumesOf(making, bare),
    networks: networksOf(bare),
    secrets,
    sites: sites(making),
    external: externals(config),
    insideSettings: { 'xpack.security.enabled': String(config.settings['xpack.security.enabled']) },
    exceptions: exceptionsOf(bare, config.base),
  };
}

/** A container is made anew when a secret it reads changes; what it reads is compared by fingerprint. */
function withFingerprints(
  one: Service,
  contents: ReadonlyMap<string, Secret>,
  { fingerprint }: StackFacts,
): Service {
  const marks = one.secrets.map(({ secret }) => [
    `secret ${secret}`,
    fingerprint(contents.get(secret)?.reveal() ?? ''),
  ]);
  return { ...one, inputs: { ...one.inputs, ...(Object.fromEntries(marks) as Record<string, string>) } };
}

function secretFiles(making: Making, services: readonly Service[]): readonly SecretFile[] {
  const { config, facts } = making;
  const { settings } = config;
  const redisLimit = services.find(({ name }) => name === 'redis')?.resources.memory ?? 0;
  const derived: Readonly<Record<string, string | undefined>> = {
    'redis.conf': redisConfiguration(settings.REDIS_PASSWORD?.reveal(), redisLimit),
    CELERY_BROKER_URL: brokerUrl(making),
    'tls.crt': facts.tls?.certificate,
    'tls.key': facts.tls?.key.reveal(),
    'elasticsearch-ca.crt': facts.searchCa ?? undefined,
  };
  const used = [...new Set(services.flatMap(({ secrets }) => secrets.map(({ secret }) => secret)))].sort();
  return used.map((name) => {
    const own: unknown = (settings as unknown as Record<string, unknown>)[name];
    const text = derived[name] ?? (own instanceof Secret ? own.reveal() : undefined);
    return { name, content: new Secret(text ?? '') };
  });
}

function volumesOf({ base }: Making, services: readonly Service[]): readonly Volume[] {
  const names = services.flatMap(({ mounts }) =>
    mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : [])),
  );
  return [...new Set(names)].map((name) => ({
    name,
    memory: base === 'test' ? (inMemory[name] ?? null) : null,
  }));
}

const GiB = 1024 ** 3;
/** Data that a throwaway environment keeps in memory, with the user that its image runs as. */
const inMemory: Readonly<Record<string, Volume['memory']>> = {
  'postgres-data': { bytes: 2 * GiB, user: 999 },
  'redis-data': { bytes: GiB / 8, user: 999 },
};

function networksOf(services: readonly Service[]): readonly Network[] {
  const used = new Set(services.flatMap(({ networks }) => networks));
  return (
    [
      { name: 'front', internal: false },
      { name: 'back', internal: true },
    ] as const
  ).filter(({ name }) => used.has(name));
}

function externals({ services, settings }: Config): Stack['external'] {
  const search = new URL(settings.ELASTICSEARCH_URL[0]);
  const addresses = {
    postgres: { host: settings.DB_HOST, port: settings.DB_PORT },
    redis: { host: settings.REDIS_HOST, port: settings.REDIS_PORT },
    elasticsearch: {
      host: search.hostname,
      port: Number(search.port) || (search.protocol === 'https:' ? 443 : 80),
    },
  };
  return externalServices
    .filter((name) => services[name]?.external === true)
    .map((name) => ({ service: name, ...addresses[name] }));
}

function exceptionsOf(services: readonly Service[], base: Stack['base']): readonly Exception[] {
  const has = (name: ServiceName) => services.some((one) => one.name === name);
  return [
    ...(base === 'prod' && has('elasticsearch')
      ? [
          {
            service: 'elasticsearch',
            rule: 'read-only-root',
            reason: 'its entrypoint writes the keystore into its configuration folder',
          } as const,
        ]
      : []),
    ...(has('elasticsearch')
      ? [
          {
            service: 'elasticsearch',
            rule: 'init',
            reason: 'its image brings an init of its own (tini)',
          } as const,
        ]
      : []),
    ...(has('celery-beat')
      ? [{ service: 'celery-beat', rule: 'healthcheck', reason: 'Celery offers no probe for beat' } as const]
      : []),
  ];
}
