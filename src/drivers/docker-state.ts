import type {
  ContainerHealth,
  ContainerLimits,
  ContainerMount,
  ContainerState,
  ImageState,
  NetworkState,
  PublishedPort,
  VolumeState,
} from '../ports/engine.ts';

type Texts = Readonly<Record<string, string>>;
type Maybe<T> = T | null | undefined;

/** What we read of `GET /containers/{id}/json`; engines leave out, or send null for, what is empty. */
export interface RawContainer {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: Maybe<RawHealth>;
  };
  readonly Config: {
    readonly Image: string;
    readonly User?: Maybe<string>;
    readonly Labels?: Maybe<Texts>;
    readonly Env?: Maybe<readonly string[]>;
    readonly StopTimeout?: Maybe<number>;
  };
  readonly HostConfig: RawHostConfig;
  readonly Mounts?: Maybe<readonly RawMount[]>;
  readonly NetworkSettings?: Maybe<{
    readonly Networks?: Maybe<
      Readonly<Record<string, Maybe<{ readonly IPAddress?: string; readonly NetworkID?: string }>>>
    >;
    readonly Ports?: Maybe<
      Readonly<Record<string, Maybe<readonly { readonly HostIp: string; readonly HostPort: string }[]>>>
    >;
  }>;
}

interface RawHealth {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log?: Maybe<
    readonly {
      readonly Start: string;
      readonly End: string;
      readonly ExitCode: number;
      readonly Output: string;
    }[]
  >;
}

interface RawHostConfig {
  readonly ReadonlyRootfs?: Maybe<boolean>;
  readonly Privileged?: Maybe<boolean>;
  readonly CapDrop?: Maybe<readonly string[]>;
  readonly CapAdd?: Maybe<readonly string[]>;
  readonly SecurityOpt?: Maybe<readonly string[]>;
  readonly PidsLimit?: Maybe<number>;
  readonly Memory?: Maybe<number>;
  readonly NanoCpus?: Maybe<number>;
  readonly CpuQuota?: Maybe<number>;
  readonly CpuPeriod?: Maybe<number>;
  readonly RestartPolicy?: Maybe<{ readonly Name: string; readonly MaximumRetryCount?: Maybe<number> }>;
  readonly LogConfig?: Maybe<{ readonly Type: string; readonly Config?: Maybe<Texts> }>;
  readonly Init?: Maybe<boolean>;
  readonly Tmpfs?: Maybe<Texts>;
}

interface RawMount {
  readonly Type: string;
  readonly Name?: Maybe<string>;
  readonly Source: string;
  readonly Destination: string;
  readonly RW: boolean;
}

/** A container as the engine describes it, in our words. */
export function containerState(raw: RawContainer): ContainerState {
  const { State: state, Config: config } = raw;
  const labels = config.Labels ?? {};
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ''),
    service: serviceOf(labels),
    image: { id: raw.Image, reference: config.Image },
    labels,
    state: state.Status as ContainerState['state'],
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled,
    error: state.Error,
    createdAt: time(raw.Created) ?? 0,
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt),
    restartCount: raw.RestartCount,
    health: healthOf(state.Health),
    networks: Object.entries(raw.NetworkSettings?.Networks ?? {}).map(([name, network]) => ({
      name,
      id: network?.NetworkID ?? '',
      address: network?.IPAddress ?? '',
    })),
    ports: portsOf(raw),
    mounts: mountsOf(raw),
    limits: limitsOf(raw),
  };
}

/** Our label for the service, or Compose's. */
export function serviceOf(labels: Texts): string {
  return labels['io.portiere.service'] ?? labels['com.docker.compose.service'] ?? '';
}

/** The engine writes the year 1 for never. */
function time(text: Maybe<string>): number | null {
  const milliseconds = Date.parse(text ?? '');
  return milliseconds > 0 ? milliseconds : null;
}

function healthOf(raw: Maybe<RawHealth>): ContainerHealth | null {
  if (!raw || raw.Status === '' || raw.Status === 'none') return null;
  return {
    status: raw.Status as ContainerHealth['status'],
    failingStreak: raw.FailingStreak,
    log: (raw.Log ?? []).map((entry) => ({
      start: time(entry.Start) ?? 0,
      end: time(entry.End) ?? 0,
      exitCode: entry.ExitCode,
      output: entry.Output,
    })),
  };
}

function portsOf({ NetworkSettings: network }: RawContainer): PublishedPort[] {
  return Object.entries(network?.Ports ?? {}).flatMap(([name, bindings]) => {
    const [target = '', protocol = 'tcp'] = name.split('/');
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      host: HostIp,
      published: Number(HostPort),
      target: Number(target),
      protocol,
    }));
  });
}

function mountsOf({ Mounts: mounts, HostConfig: host }: RawContainer): ContainerMount[] {
  return [
    ...(mounts ?? []).map(({ Type, Name, Source, Destination, RW }) => ({
      type: Type,
      source: Type === 'volume' ? (Name ?? Source) : Source,
      target: Destination,
      writable: RW,
    })),
    ...Object.keys(host.Tmpfs ?? {}).map((target) => ({ type: 'tmpfs', source: '', target, writable: true })),
  ];
}

function limitsOf({ Config: config, HostConfig: host }: RawContainer): ContainerLimits {
  return {
    user: config.User ?? '',
    readOnlyRoot: host.ReadonlyRootfs ?? false,
    privileged: host.Privileged ?? false,
    capDrop: host.CapDrop ?? [],
    capAdd: host.CapAdd ?? [],
    securityOpt: host.SecurityOpt ?? [],
    // The engine's own "no limit" is 0 or -1.
    pids: Math.max(0, host.PidsLimit ?? 0),
    memoryBytes: host.Memory ?? 0,
    cpus: host.NanoCpus ? host.NanoCpus / 1e9 : Math.max(0, host.CpuQuota ?? 0) / (host.CpuPeriod || 100_000),
    restart: host.RestartPolicy?.Name || 'no',
    restartMaximum: host.RestartPolicy?.MaximumRetryCount ?? 0,
    logDriver: host.LogConfig?.Type ?? '',
    logOptions: host.LogConfig?.Config ?? {},
    init: host.Init ?? false,
    stopGraceSeconds: config.StopTimeout ?? 10,
  };
}

/** What we read of `GET /images/{name}/json`. */
export interface RawImage {
  readonly Id: string;
  readonly Os: string;
  readonly Architecture: string;
  readonly Size: number;
  readonly RepoDigests?: Maybe<readonly string[]>;
  readonly Config?: Maybe<{
    readonly Labels?: Maybe<Texts>;
    readonly User?: Maybe<string>;
    readonly Env?: Maybe<readonly string[]>;
    readonly Entrypoint?: Maybe<string | readonly string[]>;
    readonly Cmd?: Maybe<readonly string[]>;
    readonly Volumes?: Maybe<Readonly<Record<string, unknown>>>;
    readonly ExposedPorts?: Maybe<Readonly<Record<string, unknown>>>;
  }>;
}

/** An image as the engine describes it, in our words. */
export function imageState(raw: RawImage): ImageState {
  const config = raw.Config ?? {};
  const { Entrypoint: entrypoint } = config;
  return {
    id: raw.Id,
    os: raw.Os,
    architecture: raw.Architecture,
    digests: raw.RepoDigests ?? [],
    labels: config.Labels ?? {},
    user: config.User ?? '',
    environment: Object.fromEntries((config.Env ?? []).map(assignment)),
    entrypoint: typeof entrypoint === 'string' ? [entrypoint] : (entrypoint ?? []),
    command: config.Cmd ?? [],
    volumes: Object.keys(config.Volumes ?? {}),
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    sizeBytes: raw.Size,
  };
}

/** `NAME=value` as a pair; a name alone has the empty value. */
export function assignment(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** A volume as the engine lists it. */
export function volumeState(raw: {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Labels?: Maybe<Texts>;
}): VolumeState {
  return {
    name: raw.Name,
    driver: raw.Driver,
    mountpoint: raw.Mountpoint,
    labels: raw.Labels ?? {},
    createdAt: time((raw as { readonly CreatedAt?: string }).CreatedAt),
  };
}

/** A network as the engine lists it. */
export function networkState(raw: {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly IPAM?: Maybe<{ readonly Config?: Maybe<readonly { readonly Subnet?: Maybe<string> }[]> }>;
  readonly Labels?: Maybe<Texts>;
}): NetworkState {
  return {
    id: raw.Id,
    name: raw.Name,
    driver: raw.Driver,
    subnets: (raw.IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
    labels: raw.Labels ?? {},
  };
}
