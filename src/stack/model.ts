import type { Secret } from '../config/secret.ts';
import type { ServiceName } from '../config/services.ts';

/** What will exist: every service, volume, network and secret of one environment. Knows no file format. */
export interface Stack {
  readonly project: string;
  readonly environment: string;
  readonly base: 'dev' | 'test' | 'prod';
  /** `<project>-<environment>`: what everything of this stack is named after. */
  readonly namespace: string;
  readonly version: string;
  /** In the order in which they are brought up. */
  readonly services: readonly Service[];
  readonly volumes: readonly Volume[];
  readonly networks: readonly Network[];
  readonly secrets: readonly SecretFile[];
  /** What the proxy serves. */
  readonly sites: readonly Site[];
  /** Services that somebody else runs, with their addresses. */
  readonly external: readonly {
    readonly service: ServiceName;
    readonly host: string;
    readonly port: number;
  }[];
  /** Settings that no variable can carry, as processes of ours inside need them. */
  readonly insideSettings: Readonly<Record<string, string>>;
  /** Hardening that a service goes without, and why. */
  readonly exceptions: readonly Exception[];
}

export interface Service {
  readonly name: ServiceName;
  /** A job runs once and succeeds by exit code 0. */
  readonly kind: 'service' | 'job';
  readonly image: Image;
  /** Null: the image's own. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly workingFolder: string | null;
  /** No secrets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretUse[];
  readonly ports: readonly Port[];
  readonly networks: readonly NetworkName[];
  readonly mounts: readonly Mount[];
  readonly dependsOn: readonly Dependency[];
  readonly healthcheck: Healthcheck | null;
  readonly resources: Resources;
  readonly replicas: number;
  readonly restart: 'no' | 'on-failure' | 'unless-stopped';
  readonly logs: { readonly maximumBytes: number; readonly files: number };
  readonly security: Security;
  /** A small init reaps orphans as process 1. */
  readonly init: boolean;
  /** Seconds between SIGTERM (or the image's signal) and SIGKILL. */
  readonly stopGrace: number;
  readonly profiles: readonly string[];
  /** Where the image keeps data that must survive; each must be under a volume. */
  readonly dataPaths: readonly string[];
  /** Seconds that `up` waits for it. */
  readonly startTimeout: number;
  /** Folders whose changes are carried into the container while developing. */
  readonly watch: readonly { readonly path: string; readonly target: string }[];
  /** What else a container depends on: fingerprints of mounted files, by name. Never a value. */
  readonly inputs: Readonly<Record<string, string>>;
}

export interface Image {
  readonly reference: string;
  /** Null: it is pulled. */
  readonly build: Build | null;
}

export interface Build {
  /** `rendered`: the context is written beside the rendered files under `build/<service>`. */
  readonly context: { readonly kind: 'rendered' } | { readonly kind: 'folder'; readonly path: string };
  readonly dockerfile: string | null;
  readonly arguments: Readonly<Record<string, string>>;
  /** Absolute path of a PEM file that the build trusts, given as a build secret. */
  readonly caFile: string | null;
}

export interface SecretFile {
  /** Also its file name. */
  readonly name: string;
  readonly content: Secret;
}

export interface SecretUse {
  readonly secret: string;
  /** Path in the container. */
  readonly path: string;
}

export interface Port {
  readonly bind: string;
  /** Port of this machine; null: the engine picks a free one. */
  readonly published: number | null;
  readonly target: number;
}

export type NetworkName = 'front' | 'back';

export interface Network {
  readonly name: NetworkName;
  /** No way out of it. */
  readonly internal: boolean;
}

export type Mount =
  | {
      readonly kind: 'volume';
      readonly volume: string;
      readonly target: string;
      readonly readOnly: boolean;
    }
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  /** A file that is rendered with the stack, by its path beside the rendered files. */
  | { readonly kind: 'rendered'; readonly file: string; readonly target: string }
  | { readonly kind: 'memory'; readonly target: string; readonly bytes: number };

export interface Volume {
  readonly name: string;
  /** Kept in memory, gone with its last container; owned by `user`. */
  readonly memory: { readonly bytes: number; readonly user: number } | null;
}

export interface Dependency {
  readonly service: ServiceName;
  readonly condition: 'started' | 'healthy' | 'completed';
}

/** Times in seconds. */
export interface Healthcheck {
  readonly test: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly startPeriod: number;
}

export interface Resources {
  /** Cores. */
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly pids: number;
  readonly reserve: { readonly cpus: number; readonly memory: number } | null;
}

export interface Security {
  /** `uid:gid`; null: the image's own. */
  readonly user: string | null;
  readonly readOnlyRoot: boolean;
  readonly dropAllCapabilities: boolean;
  readonly noNewPrivileges: boolean;
}

export interface Exception {
  readonly service: ServiceName;
  readonly rule: 'read-only-root' | 'init' | 'healthcheck';
  readonly reason: string;
}

/** One server block of the proxy. */
export interface Site {
  readonly service: 'api' | 'cloud' | 'mapper';
  /** Host name it answers to; null: any. */
  readonly domain: string | null;
  /** Port of the service inside the network. */
  readonly port: number;
  /** Where the proxy listens, inside its container. */
  readonly listen: number;
  readonly tls: boolean;
}
