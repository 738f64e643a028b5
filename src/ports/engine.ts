/** What a container engine can do for a command. Times are milliseconds since the epoch by the engine's own clock. */
export interface Engines {
  /**
   * Resolves the endpoint once (`context`, then `dockerHost`, DOCKER_HOST, DOCKER_CONTEXT, the current context) and
   * greets the engine, within `timeout` ms; throws ENGINE_UNREACHABLE with the fix.
   */
  connect(options: EngineOptions): Promise<Engine>;
}

export interface EngineOptions {
  readonly context?: string;
  readonly dockerHost?: string;
  /** Milliseconds for the greeting. */
  readonly timeout: number;
}

/** One engine. Every call has a deadline and throws ENGINE_UNREACHABLE or ENGINE_FAILED (with the engine's words). */
export interface Engine {
  /** `unix:///var/run/docker.sock`, `tcp://host:2376`, `ssh://user@host`: what both the API and Compose talk to. */
  readonly endpoint: string;
  /** The context that named the endpoint, if one did. */
  readonly context: string | undefined;
  info(): Promise<EngineInfo>;
  /** `docker compose version --short`; COMPOSE_MISSING where the plugin is absent or 1.x. */
  composeVersion(): Promise<string>;
  /** Running containers of an environment, by name; `all` adds those that do not run. */
  containers(owned: Owned, options?: { readonly all?: boolean }): Promise<readonly ContainerState[]>;
  /** One container by id or name, or undefined. */
  container(id: string): Promise<ContainerState | undefined>;
  /** Names (never values) of a container's environment variables. */
  environmentKeys(id: string): Promise<readonly string[]>;
  /** Name of the running container, whoever's, that publishes a TCP port of the host; undefined where none does. */
  publisher(port: number): Promise<string | undefined>;
  image(reference: string): Promise<ImageState | undefined>;
  /** Without `owned`, every volume or network of the engine. */
  volumes(owned?: Owned): Promise<readonly VolumeState[]>;
  networks(owned?: Owned): Promise<readonly NetworkState[]>;
  logs(containerId: string, options: LogOptions): AsyncIterable<LogPiece>;
  /** What happened to an environment's containers between two times (seconds precision counts). */
  events(
    owned: Owned,
    span: { readonly since: number; readonly until: number },
  ): Promise<readonly EngineEvent[]>;
  stats(containerId: string): Promise<ContainerStats>;
  /** Runs a program inside a running container, its output held in memory. */
  exec(containerId: string, argv: readonly string[], options?: ExecOptions): Promise<ProgramResult>;
  /** A file out of a container, running or not, or undefined where there is none. */
  readFile(containerId: string, path: string): Promise<Buffer | undefined>;
  /** Creates a container that is never started, to read from its image and volumes; returns its id. */
  createReader(options: ReaderOptions): Promise<string>;
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  killContainer(id: string, signal: string): Promise<void>;
  /** Removes a container with its anonymous volumes, running or not; one that is gone is fine. */
  removeContainer(id: string): Promise<void>;
  removeVolume(name: string): Promise<void>;
  /** Requests other than GET and HEAD sent so far, and Compose runs that may change something. */
  mutations(): number;
  /** `docker compose` against the same endpoint; the caller's COMPOSE_* and DOCKER_* variables do not reach it. */
  compose(args: readonly string[], options: ComposeOptions): Promise<ProgramResult>;
}

/** The labels by which we know what is ours. */
export interface Owned {
  readonly project: string;
  readonly environment: string;
}

export interface EngineInfo {
  readonly version: string;
  readonly apiVersion: string;
  readonly os: string;
  /** As images name it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly rootless: boolean;
  /** The host's name. */
  readonly name: string;
  readonly dataRoot: string;
  readonly time: number;
}

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  /** Label `io.portiere.service`, or Compose's own; empty where there is neither. */
  readonly service: string;
  readonly image: { readonly id: string; readonly reference: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it could not be started, in the engine's words; empty otherwise. */
  readonly error: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Restarts by the engine since the last start by somebody. */
  readonly restartCount: number;
  /** Null where there is no healthcheck. */
  readonly health: ContainerHealth | null;
  /** Without an id where it was never started. */
  readonly networks: readonly { readonly name: string; readonly id: string; readonly address: string }[];
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly ContainerMount[];
  readonly limits: ContainerLimits;
}

export interface ContainerHealth {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** The last five results, oldest first; may hold some from before the last start. */
  readonly log: readonly {
    readonly start: number;
    readonly end: number;
    readonly exitCode: number;
    readonly output: string;
  }[];
}

export interface PublishedPort {
  readonly host: string;
  readonly published: number;
  readonly target: number;
  readonly protocol: string;
}

export interface ContainerMount {
  readonly type: string;
  /** Name of a volume, path of a bind mount, empty for a tmpfs. */
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

/** What a container may do and use; 0 bytes, CPUs or processes: no limit. */
export interface ContainerLimits {
  readonly user: string;
  readonly readOnlyRoot: boolean;
  readonly privileged: boolean;
  readonly capDrop: readonly string[];
  readonly capAdd: readonly string[];
  readonly securityOpt: readonly string[];
  readonly pids: number;
  readonly memoryBytes: number;
  readonly cpus: number;
  /** `no`, `always`, `unless-stopped`, `on-failure`. */
  readonly restart: string;
  readonly restartMaximum: number;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly init: boolean;
  readonly stopGraceSeconds: number;
}

export interface ImageState {
  readonly id: string;
  readonly os: string;
  readonly architecture: string;
  readonly digests: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly volumes: readonly string[];
  /** `5432/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly sizeBytes: number;
}

export interface VolumeState {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number | null;
}

export interface NetworkState {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly subnets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface LogOptions {
  /** The last so many lines; all without it. */
  readonly tail?: number;
  readonly follow?: boolean;
  readonly since?: number;
  readonly stop?: AbortSignal;
}

/** A whole line, without its end. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface EngineEvent {
  readonly time: number;
  /** `start`, `die`, `oom`, `health_status: unhealthy`, ... */
  readonly action: string;
  readonly containerId: string;
  readonly service: string;
  /** Of `die`. */
  readonly exitCode: number | null;
}

export interface ContainerStats {
  /** 1.5 is one and a half CPUs. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pids: number;
}

export interface ExecOptions {
  readonly user?: string;
  readonly stdin?: string | Uint8Array;
  /** Milliseconds; 60,000 without it. */
  readonly timeout?: number;
}

export interface ProgramResult {
  /** 128 + signal number for a program that a signal ended. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReaderOptions {
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Volumes by name, mounted read-only at the target. */
  readonly volumes?: readonly { readonly name: string; readonly target: string }[];
}

export interface ComposeOptions {
  /** The Compose file; its folder is the project's folder. */
  readonly file: string;
  readonly project: string;
  readonly profiles?: readonly string[];
  /** Variables on top of the few that reach the program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Each line of output as it comes; the result then holds the last 200 lines of each stream. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** `inherit`: the caller's own terminal, for `run` and `exec` with a person at it; nothing is captured then. */
  readonly terminal?: 'inherit';
  /** Milliseconds; throws TIMED_OUT. */
  readonly timeout?: number;
  /** Aborting interrupts the program (SIGINT, SIGKILL 10 s later) and throws its reason. */
  readonly signal?: AbortSignal;
}
