import type { Config } from '../config/config.ts';
import { isOn } from '../config/service-layers.ts';
import type { ServiceName } from '../config/services.ts';
import { defaultResources } from './defaults.ts';
import type { StackFacts } from './facts.ts';
import type { Dependency, Image, NetworkName, SecretUse, Service } from './model.ts';

/** What every service is made from. */
export interface Making {
  readonly config: Config;
  readonly base: 'dev' | 'test' | 'prod';
  readonly facts: StackFacts;
}

/** What a service file says; the rest is the same for all of them. */
export type Parts = Pick<Service, 'image'> & Partial<Omit<Service, 'name'>>;

const MiB = 1024 ** 2;

/** A service of the stack: its own parts, the defaults of all services, and on top what the configuration overrides. */
export function service(making: Making, name: ServiceName, parts: Parts): Service {
  const { config, base } = making;
  const override = config.services[name] ?? {};
  const isJob = parts.kind === 'job';
  const limits = { ...defaultResources(base, name), ...parts.resources };
  const { reserve, ...wanted } = override.resources ?? {};
  return {
    name,
    kind: 'service',
    entrypoint: null,
    workingFolder: null,
    networks: ['back'],
    ports: [],
    mounts: [],
    secrets: [],
    restart: isJob ? 'no' : 'unless-stopped',
    logs: { maximumBytes: 10 * MiB, files: base === 'prod' ? 5 : 2 },
    init: true,
    stopGrace: 10,
    profiles: override.profiles ?? [],
    dataPaths: [],
    watch: [],
    inputs: {},
    ...parts,
    command: override.command ?? parts.command ?? null,
    environment: { ...parts.environment, ...override.environment },
    dependsOn: present(making, parts.dependsOn ?? []),
    replicas: isJob ? 1 : (override.replicas ?? parts.replicas ?? 1),
    resources: {
      cpus: wanted.cpus ?? limits.cpus,
      memory: wanted.memory ?? limits.memory,
      pids: wanted.pids ?? limits.pids,
      reserve:
        reserve === undefined
          ? limits.reserve
          : {
              cpus: reserve.cpus ?? limits.reserve?.cpus ?? 0,
              memory: reserve.memory ?? limits.reserve?.memory ?? 0,
            },
    },
    security: {
      ...hardened(making, null),
      ...parts.security,
      ...(override.user === undefined ? {} : { user: override.user }),
    },
    startTimeout: override.startTimeout ?? parts.startTimeout ?? 120,
    ...healthOf(parts, override.healthcheck),
  };
}

interface ImageDefaults {
  /** The image where the configuration names none. */
  readonly standard?: string;
  /** Arguments of a build before the operator's own. */
  readonly buildArguments?: Readonly<Record<string, string>>;
}

/** The overriding image or build of a service (with both, the build makes that image), else the default image. */
export function imageOf(
  { config, facts }: Making,
  name: ServiceName,
  { standard = '', buildArguments = {} }: ImageDefaults,
): Image {
  const override = config.services[name];
  if (override?.build !== undefined) {
    const { context, dockerfile, args } = override.build;
    const values = { ...buildArguments, ...args };
    // Other arguments make another image. What lies in the context is the operator's to build: `portiere build`.
    const tag = facts.fingerprintOf([dockerfile ?? '', JSON.stringify(values)]);
    return {
      reference: override.image ?? `${config.name}-${config.environment}-${name}:${tag}`,
      build: {
        context: { kind: 'folder', path: absolute(facts.root, context) },
        dockerfile: dockerfile ?? null,
        arguments: values,
        caFile: facts.caFile,
      },
    };
  }
  return { reference: override?.image ?? standard, build: null };
}

/** A secret that the container finds under `/run/secrets`, named like its setting. */
export function secret(name: string, path = `/run/secrets/${name}`): SecretUse {
  return { secret: name, path };
}

/** A way into the container for images that read no NAME_FILE: each secret becomes a variable of its one process. */
export const secretsAsVariables = [
  'sh',
  '-c',
  'for file in /run/secrets/*; do export "${file##*/}=$(cat "$file")"; done; exec "$@"',
  'portiere',
] as const;

/** The security of a service: nothing it does not need, and in prod a root that cannot be written. */
export function hardened({ base }: Making, user: string | null): Service['security'] {
  return { user, readOnlyRoot: base === 'prod', dropAllCapabilities: true, noNewPrivileges: true };
}

/** Data ports are published for developers only, and then need a network with a way out. */
export function dataNetworks({ config }: Making): readonly NetworkName[] {
  return config.settings.PUBLISH_DATA_PORTS ? ['back', 'front'] : ['back'];
}

/** The port of a data service on this machine's loopback, where it is asked for. */
export function dataPorts({ config, base }: Making, port: number): Service['ports'] {
  if (!config.settings.PUBLISH_DATA_PORTS) return [];
  return [{ bind: '127.0.0.1', published: base === 'test' ? null : port, target: port }];
}

function present({ config }: Making, dependencies: readonly Dependency[]): readonly Dependency[] {
  return dependencies.filter(({ service: name }) => isOn(config.services, name));
}

function healthOf(parts: Parts, command: readonly string[] | undefined): Pick<Service, 'healthcheck'> {
  if (command === undefined) return { healthcheck: parts.healthcheck ?? null };
  const times = parts.healthcheck ?? { interval: 10, timeout: 5, retries: 3, startPeriod: 60 };
  return { healthcheck: { ...times, test: command } };
}

function absolute(root: string, path: string): string {
  return path.startsWith('/') ? path : `${root}/${path}`.replaceAll('/./', '/');
}
