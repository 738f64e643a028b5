import type { Build, Dependency, Healthcheck, Port, Service, Stack } from '../../stack/model.ts';
import type { Yaml, YamlMap } from '../encode/yaml.ts';
import type { RenderedFile } from '../target.ts';
import { apiContext } from '../targets/dockerfile.ts';
import { serviceLabels } from './labels.ts';
import { memoryMounts, volumeMounts } from './mounts.ts';
import { sizeText } from './sizes.ts';

/** Name of the build secret that holds the CA bundle. */
export const caSecret = 'build-ca';

interface Surroundings {
  readonly stack: Stack;
  /** The files that services mount. */
  readonly files: readonly RenderedFile[];
}

/** One service of a Compose file. */
export function composeService(service: Service, { stack, files }: Surroundings): YamlMap {
  const { image, security, healthcheck, watch, logs } = service;
  return {
    image: image.reference,
    build: image.build === null ? undefined : buildOf(image.build),
    pull_policy: image.build === null ? undefined : 'never',
    profiles: filled(service.profiles),
    entrypoint: service.entrypoint ?? undefined,
    command: service.command ?? undefined,
    working_dir: service.workingFolder ?? undefined,
    user: security.user ?? undefined,
    init: service.init ? true : undefined,
    read_only: security.readOnlyRoot ? true : undefined,
    cap_drop: security.dropAllCapabilities ? ['ALL'] : undefined,
    security_opt: security.noNewPrivileges ? ['no-new-privileges:true'] : undefined,
    environment: Object.keys(service.environment).length === 0 ? undefined : sorted(service.environment),
    secrets: filled(service.secrets.map(({ secret, path }) => ({ source: secret, target: path }))),
    ports: filled(service.ports.map(portOf)),
    networks: service.networks,
    volumes: filled(volumeMounts(service)),
    tmpfs: filled(memoryMounts(service)),
    depends_on: dependencies(service.dependsOn, stack),
    healthcheck: healthcheck === null ? { disable: true } : healthOf(healthcheck),
    restart: service.restart,
    stop_grace_period: `${service.stopGrace}s`,
    deploy: deployment(service),
    logging: {
      driver: 'json-file',
      options: { 'max-size': sizeText(logs.maximumBytes), 'max-file': String(logs.files) },
    },
    develop:
      watch.length === 0
        ? undefined
        : {
            watch: watch.map(({ path, target }) => ({
              action: 'sync',
              path,
              target,
              ignore: ['node_modules/'],
            })),
          },
    labels: serviceLabels(stack, service, files),
  };
}

function buildOf(build: Build): YamlMap {
  const { context, dockerfile, caFile } = build;
  return {
    context: context.kind === 'rendered' ? `./${apiContext}` : context.path,
    dockerfile: dockerfile ?? undefined,
    args: { ...sorted(build.arguments), ...proxies },
    secrets: caFile === null ? undefined : [caSecret],
  };
}

/** Without a value they are taken from whoever builds; the engine keeps them out of the image. */
const proxies = { HTTP_PROXY: null, HTTPS_PROXY: null, NO_PROXY: null } as const;

/** Without a published port the engine picks a free one. */
function portOf({ bind, published, target }: Port): YamlMap {
  return {
    target,
    published: published === null ? undefined : String(published),
    host_ip: bind,
    protocol: 'tcp',
  };
}

const conditions: Readonly<Record<Dependency['condition'], string>> = {
  started: 'service_started',
  healthy: 'service_healthy',
  completed: 'service_completed_successfully',
};

/** One with a profile may not be there; Compose must not insist on it. */
function dependencies(dependsOn: readonly Dependency[], { services }: Stack): YamlMap | undefined {
  if (dependsOn.length === 0) return undefined;
  return Object.fromEntries(
    dependsOn.map(({ service, condition }) => {
      const optional = services.some(({ name, profiles }) => name === service && profiles.length > 0);
      return [service, { condition: conditions[condition], required: optional ? false : undefined }];
    }),
  );
}

function healthOf({ test, interval, timeout, retries, startPeriod }: Healthcheck): YamlMap {
  return {
    test: ['CMD', ...test],
    interval: `${interval}s`,
    timeout: `${timeout}s`,
    retries,
    start_period: `${startPeriod}s`,
  };
}

function deployment({ replicas, resources }: Service): YamlMap {
  const { cpus, memory, pids, reserve } = resources;
  return {
    replicas: replicas === 1 ? undefined : replicas,
    resources: {
      limits: { cpus: String(cpus), memory: sizeText(memory), pids },
      reservations:
        reserve === null
          ? undefined
          : {
              cpus: reserve.cpus === 0 ? undefined : String(reserve.cpus),
              memory: reserve.memory === 0 ? undefined : sizeText(reserve.memory),
            },
    },
  };
}

function sorted(map: Readonly<Record<string, string>>): YamlMap {
  return Object.fromEntries(Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function filled(items: readonly Yaml[]): readonly Yaml[] | undefined {
  return items.length === 0 ? undefined : items;
}
