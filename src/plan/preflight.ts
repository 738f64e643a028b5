import type { EngineInfo, ImageState, NetworkState } from '../ports/engine.ts';
import { coveredByVolume } from '../stack/rules.ts';
import type { Stack } from '../stack/model.ts';

/** What was found on the host and the engine; undefined where it cannot be looked at from here. */
export interface HostFacts {
  readonly engine: EngineInfo;
  /** The engine runs on this machine: what containers mount lies where it looks for it. */
  readonly isLocal: boolean;
  readonly composeVersion: string;
  readonly minimum: { readonly engine: string; readonly compose: string };
  /** Bytes free where the engine keeps its data. */
  readonly freeBytes: number | undefined;
  readonly maxMapCount: number | undefined;
  readonly networks: readonly NetworkState[];
  /** Ports of this machine that containers to be made want and somebody else has. */
  readonly takenPorts: readonly { readonly service: string; readonly port: number; readonly owner: string }[];
  /** What has a name that the stack would use, and is of somebody else: `the container demo-dev-redis-1`. */
  readonly foreign: readonly string[];
  /** Folder of another checkout that the containers of this environment are of; undefined where there is none. */
  readonly otherFolder: string | undefined;
  /** Every image of the stack by reference; undefined where the engine has none. */
  readonly images: Readonly<Record<string, ImageState | undefined>>;
  /** Major version of the data on the Postgres volume; undefined where there is none. */
  readonly postgresData: string | undefined;
}

export interface Finding {
  readonly id: string;
  readonly level: 'ok' | 'warning' | 'failure';
  readonly message: string;
  readonly fix: string;
}

type Check = (stack: Stack, facts: HostFacts) => readonly Finding[];

const checks: readonly Check[] = [
  engineIsHere,
  engineIsNewEnough,
  composeIsNewEnough,
  memorySuffices,
  diskSuffices,
  mapCountSuffices,
  portsAreFree,
  namesAreFree,
  folderIsOurs,
  subnetsAreLeft,
  architecturesFit,
  imageVolumesAreCovered,
  dataFitsImage,
  publicValuesFit,
];

/** Everything that would keep a stack from running well; a waived failure becomes a warning with its reason. */
export function preflight(
  stack: Stack,
  facts: HostFacts,
  waive: Readonly<Record<string, string>>,
): readonly Finding[] {
  return checks.flatMap((check) =>
    check(stack, facts).map((finding) => {
      const reason = waive[finding.id];
      return finding.level === 'failure' && reason !== undefined
        ? { ...finding, level: 'warning' as const, message: `${finding.message} (waived: ${reason})` }
        : finding;
    }),
  );
}

/** Secrets, the proxy's configuration, vocabulary and model are mounted from this machine's disk. */
function engineIsHere(_: Stack, { isLocal, engine }: HostFacts): readonly Finding[] {
  if (isLocal) return [];
  return [
    failure('remote-engine', `the engine runs on ${engine.name}, and what containers mount lies here`, {
      fix: 'Run portiere on that machine, or share the project folder at the same path and: --waive "remote-engine=it is shared"',
    }),
  ];
}

function engineIsNewEnough(_: Stack, { engine, minimum }: HostFacts): readonly Finding[] {
  return [
    older(engine.version, minimum.engine)
      ? failure('engine-version', `Docker engine ${engine.version} is older than ${minimum.engine}`, {
          fix: 'Upgrade the engine, or lower engine.minimum if you know it works.',
        })
      : ok('engine-version', `Docker engine ${engine.version}`),
  ];
}

function composeIsNewEnough(_: Stack, { composeVersion, minimum }: HostFacts): readonly Finding[] {
  return [
    older(composeVersion, minimum.compose)
      ? failure('compose-version', `Docker Compose ${composeVersion} is older than ${minimum.compose}`, {
          fix: 'Install a newer Compose plugin: https://docs.docker.com/compose/install/',
        })
      : ok('compose-version', `Docker Compose ${composeVersion}`),
  ];
}

/** Limits are promises: all of them together, with the largest job, must fit. */
function memorySuffices({ services }: Stack, { engine }: HostFacts): readonly Finding[] {
  const ofKind = (kind: 'service' | 'job'): number[] =>
    services.filter((one) => one.kind === kind).map((one) => one.resources.memory * one.replicas);
  const wanted = ofKind('service').reduce((sum, bytes) => sum + bytes, 0) + Math.max(0, ...ofKind('job'));
  const words = `the memory limits add up to ${gibibytes(wanted)}, the engine has ${gibibytes(engine.memoryBytes)}`;
  return [
    wanted > engine.memoryBytes
      ? failure('memory', words, {
          fix: 'Lower services.<name>.resources.memory, add memory, or: --waive "memory=why it is enough"',
        })
      : ok('memory', words),
  ];
}

const leastFree = 2 * 1024 ** 3;

function diskSuffices(_: Stack, { freeBytes, engine }: HostFacts): readonly Finding[] {
  if (freeBytes === undefined) return [];
  const words = `${gibibytes(freeBytes)} free at ${engine.dataRoot}`;
  return [
    freeBytes < leastFree
      ? failure('disk', `${words}; images, data and the index need ${gibibytes(leastFree)} at least`, {
          fix: 'Free some: docker system df shows what the engine holds.',
        })
      : ok('disk', words),
  ];
}

/** A single node starts with any value; only a cluster refuses. */
function mapCountSuffices(stack: Stack, { maxMapCount }: HostFacts): readonly Finding[] {
  const node = stack.services.find(({ name }) => name === 'elasticsearch');
  if (node === undefined || maxMapCount === undefined || maxMapCount >= 262_144) return [];
  const single = node.environment['discovery.type'] === 'single-node';
  return [
    {
      id: 'max-map-count',
      level: single ? 'warning' : 'failure',
      message: `vm.max_map_count is ${maxMapCount}; Elasticsearch asks for 262144${single ? ' (a single node starts all the same)' : ''}`,
      fix: 'sysctl -w vm.max_map_count=262144',
    },
  ];
}

function portsAreFree(_: Stack, { takenPorts }: HostFacts): readonly Finding[] {
  return takenPorts.map(({ service, port, owner }) =>
    failure('port', `port ${port}, which ${service} wants, is taken by ${owner}`, {
      fix: 'Stop it, or choose another port: PROXY_HTTP_PORT, PROXY_HTTPS_PORT, API_PORT, CLOUD_PORT, MAPPER_PORT.',
    }),
  );
}

/** Compose would take over what has its names: containers would be made anew, data would be shared. */
function namesAreFree(stack: Stack, { foreign }: HostFacts): readonly Finding[] {
  if (foreign.length === 0) return [];
  return [
    failure(
      'foreign',
      `${foreign.join(', ')}: there already, and not of ${stack.project}, environment ${stack.environment}`,
      {
        fix: 'Rename or remove it, choose another name: in the config, or to take it over: --waive "foreign=why".',
      },
    ),
  ];
}

/** Two checkouts of one project have different secrets: each would make the other's containers anew. */
function folderIsOurs(stack: Stack, { otherFolder }: HostFacts): readonly Finding[] {
  if (otherFolder === undefined) return [];
  return [
    failure(
      'folder',
      `the containers of ${stack.project}, environment ${stack.environment}, are those of another folder: ${otherFolder}`,
      {
        fix: 'Work there, or give this one another name: in its config; to take them over: --waive "folder=why".',
      },
    ),
  ];
}

/** The engine's default pools hold some 30 networks. */
function subnetsAreLeft(stack: Stack, { networks }: HostFacts): readonly Finding[] {
  const there = new Set(networks.map(({ name }) => name));
  const missing = stack.networks.filter(({ name }) => !there.has(`${stack.namespace}_${name}`)).length;
  const used = networks.filter(({ driver }) => driver === 'bridge').length;
  if (missing === 0 || used + missing <= 30) return [];
  return [
    failure('subnets', `the engine has ${used} bridge networks; its default address pools hold about 30`, {
      fix: 'Remove unused ones: docker network prune; or widen default-address-pools in daemon.json.',
    }),
  ];
}

function architecturesFit(stack: Stack, { images, engine }: HostFacts): readonly Finding[] {
  return stack.services.flatMap(({ name, image }) => {
    const found = images[image.reference];
    if (found === undefined || found.architecture === engine.architecture) return [];
    return [
      failure(
        'architecture',
        `${name}: ${image.reference} is for ${found.architecture}, the engine runs ${engine.architecture}`,
        { fix: `Use an image for ${engine.architecture}.` },
      ),
    ];
  });
}

/** A VOLUME of the image that no mount covers would hold its data in an anonymous volume, lost with the container. */
function imageVolumesAreCovered(stack: Stack, { images }: HostFacts): readonly Finding[] {
  return stack.services.flatMap((service) =>
    (images[service.image.reference]?.volumes ?? [])
      .filter((path) => !coveredByVolume(service, path) && !inMemory(service, path))
      .map((path) =>
        failure(
          'persistence',
          `${service.name}: ${service.image.reference} keeps data at ${path}, which is on no named volume (ours: ${service.dataPaths.join(', ') || 'none'})`,
          { fix: 'Use an image that keeps its data there, or --waive "persistence=that data may be lost".' },
        ),
      ),
  );
}

function inMemory(service: Stack['services'][number], path: string): boolean {
  return service.mounts.some(
    (mount) => mount.kind === 'memory' && (path === mount.target || path.startsWith(`${mount.target}/`)),
  );
}

function dataFitsImage(stack: Stack, { images, postgresData }: HostFacts): readonly Finding[] {
  const reference = stack.services.find(({ name }) => name === 'postgres')?.image.reference;
  if (reference === undefined || postgresData === undefined) return [];
  const major = images[reference]?.environment['PG_MAJOR'];
  if (major === undefined || major === postgresData) return [];
  return [
    failure(
      'data-version',
      `the volume postgres-data was written by PostgreSQL ${postgresData}; ${reference} is PostgreSQL ${major}`,
      {
        fix: `Set services.postgres.image back to version ${postgresData}, or dump and restore into a new volume.`,
      },
    ),
  ];
}

/** NEXT_PUBLIC_* are fixed when an image is built; a ready image may have been built with others. */
function publicValuesFit(stack: Stack, { images }: HostFacts): readonly Finding[] {
  return stack.services.flatMap((service) => {
    const labels = images[service.image.reference]?.labels ?? {};
    if (service.image.build !== null) return [];
    return Object.entries(service.environment).flatMap(([name, wanted]): Finding[] => {
      const built = labels[`io.portiere.public.${name}`];
      if (!name.startsWith('NEXT_PUBLIC_') || built === undefined || built === wanted) return [];
      return [
        {
          id: 'public-value',
          level: 'warning',
          message: `${service.name}: ${service.image.reference} was built with ${name}=${built}, the configuration says ${wanted}; browsers get the former`,
          fix: `Build it anew: services.${service.name}.build instead of image.`,
        },
      ];
    });
  });
}

function ok(id: string, message: string): Finding {
  return { id, level: 'ok', message, fix: '' };
}

function failure(id: string, message: string, { fix }: { readonly fix: string }): Finding {
  return { id, level: 'failure', message, fix };
}

/** Whether a version is below another, compared by its numbers: `20.10.24+dfsg1`, `v2.40.3-3`. */
export function older(version: string, minimum: string): boolean {
  const [a, b] = [version, minimum].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let part = 0; part < (b ?? []).length; part++) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
