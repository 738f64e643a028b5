import type { Caches } from './ports/cache.ts';
import type { Engines } from './ports/engine.ts';
import type { SearchEngines } from './ports/search-engine.ts';
import type { VectorDatabases } from './ports/vector-database.ts';

/** What the outside world can do for a command. Drivers and ui implement it, main.ts puts it together. */
export interface Ports {
  readonly caller: Caller;
  readonly self: Self;
  readonly clock: Clock;
  readonly files: Files;
  readonly settingsFiles: SettingsFiles;
  readonly leases: Leases;
  readonly processes: Processes;
  readonly databases: Databases;
  readonly searchEngines: SearchEngines;
  readonly vectorDatabases: VectorDatabases;
  readonly caches: Caches;
  readonly engines: Engines;
  readonly packages: Packages;
  readonly http: Http;
  readonly reporter: Reporter;
  readonly prompt: Prompt;
  /** Cryptographically strong bytes. */
  random(bytes: number): Uint8Array;
}

/** Who called us, from where, and with what around them. */
export interface Caller {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the caller types to start us: `portiere`, or the npm script inside a checkout. */
  readonly calledAs: string;
  /** A person can answer: both standard input and standard error are terminals, and no `--no-input`, `--yes`, CI. */
  readonly interactive: boolean;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, with the error to end with as its reason. */
  readonly interrupted: AbortSignal;
}

/** This installation. */
export interface Self {
  readonly version: string;
  /** The file that starts the binary (`bin/portiere.js`). */
  readonly entry: string;
  /** The folder of templates shipped in the package. */
  readonly templates: string;
}

export interface Clock {
  now(): Date;
  /** Monotonic milliseconds. */
  elapsed(): number;
  sleep(milliseconds: number): Promise<void>;
}

export interface Files {
  /** Text of a file, or undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Mode bits (`0o777`) of a file, or undefined where there is none. */
  mode(path: string): Promise<number | undefined>;
  exists(path: string): Promise<boolean>;
  /** Writes by temp file, fsync, rename, folder fsync: afterwards the old or the new text is there, never half. */
  write(path: string, text: string, mode?: number): Promise<void>;
  makeFolder(path: string, mode?: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes what writers left in a folder who were killed while they wrote; others write on. */
  tidy(folder: string): Promise<void>;
  /** The last `lines` lines; with `follow`, then what is added, until `stop` is aborted. */
  tail(path: string, options: TailOptions): AsyncIterable<string>;
}

export interface TailOptions {
  readonly lines: number;
  readonly follow: boolean;
  readonly stop: AbortSignal;
}

/** The config file that was found, parsed to plain data; `lineOf` knows where a key stands (YAML only). */
export interface FoundConfig {
  readonly path: string;
  readonly data: unknown;
  readonly lineOf: (keys: readonly string[]) => number | undefined;
}

export interface SettingsFiles {
  /** Looks for the project's config from `folder` up, or loads `explicit`. */
  load(folder: string, explicit: string | undefined): Promise<FoundConfig | undefined>;
}

/** Who holds a lease, as it is written in the lease file. */
export interface Holder {
  readonly command: string;
  readonly pid: number;
  readonly host: string;
  /** ISO time. */
  readonly since: string;
}

export interface Lease {
  readonly token: string;
  /** Aborted when the lease was lost; work under it must stop. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface Leases {
  /** Takes the lease or throws LOCKED naming holder, pid and age. A dead holder's lease is taken over. */
  take(path: string, command: string): Promise<Lease>;
  /** The live holder, or undefined where the lease is free or stale. */
  holder(path: string): Promise<Holder | undefined>;
}

/** Identity of a process that a reused pid cannot fake. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel start time in ticks since boot with the boot id, or null where the platform has none. */
  readonly started: string | null;
}

export interface Processes {
  readonly own: ProcessIdentity;
  /** Bytes of memory this process holds. */
  residentMemory(): number;
  /** Starts this binary detached, its output appended to `log`. */
  spawnSelf(args: readonly string[], options: SpawnOptions): Promise<ProcessIdentity>;
  alive(identity: ProcessIdentity): boolean;
  /** SIGTERM, then SIGKILL after `grace` ms; returns once the process is gone. */
  stop(identity: ProcessIdentity, grace: number): Promise<void>;
  /** `host:port` free, or who listens on it (`node (pid 12)`), as far as the system tells. */
  portOwner(host: string, port: number): Promise<PortState>;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly log: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface PortState {
  readonly free: boolean;
  readonly owner: string | null;
}

/** Where a Postgres lives: a server, or a folder that this process opens itself. */
export type DatabaseTarget =
  | {
      readonly kind: 'server';
      readonly host: string;
      readonly port: number;
      readonly database: string;
      readonly user: string;
      readonly password: string | undefined;
    }
  | { readonly kind: 'embedded'; readonly folder: string };

export interface QueryResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number;
}

/** One session of a Postgres. int8 comes back as a number where it is safe. */
export interface Database {
  readonly description: string;
  query(sql: string, values?: readonly unknown[]): Promise<QueryResult>;
  /** Several statements without parameters (a migration). */
  script(sql: string): Promise<void>;
  /** `COPY ... FROM STDIN` fed with text-format chunks; returns the number of rows. */
  copyIn(sql: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  close(): Promise<void>;
}

export interface Databases {
  /** Connects, for at most `timeout` ms; throws DATABASE_UNREACHABLE, or LOCKED for a folder another process has. */
  connect(target: DatabaseTarget, options: ConnectOptions): Promise<Database>;
  /** Opens the embedded folder for good (under its lease) and serves it on its socket until closed. */
  serve(folder: string): Promise<{ close(): Promise<void> }>;
}

export interface ConnectOptions {
  readonly command: string;
  readonly timeout: number;
}

export interface Packages {
  /** Writes this installation to `file` as npm packs it. */
  pack(file: string): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface Http {
  /** GET with a deadline; throws SERVER_UNREACHABLE when nothing answers. A JSON body comes parsed. */
  get(url: string, timeout: number, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
}

/** Progress of one step: a count towards a total where that is known. */
export interface Progress {
  update(done: number, total: number | undefined, unit: string): void;
  say(text: string): void;
}

export interface Reporter {
  /** Runs a step under a title, showing progress, time and outcome on standard error. */
  step<T>(title: string, work: (progress: Progress) => Promise<T>): Promise<T>;
  /** A line on standard error. */
  note(text: string): void;
  /** A line on standard error that is also listed under `warnings` in JSON. */
  warn(text: string): void;
  /** A line of a long-running primary result (such as logs) on standard output. */
  line(text: string): void;
  /** Values that may never be printed, whatever prints them. */
  hide(values: readonly string[]): void;
}

export interface Prompt {
  /** Asks for a line of text; the default is the answer to an empty line. */
  text(question: string, initial: string): Promise<string>;
  choose(question: string, choices: readonly string[], initial: string): Promise<string>;
  confirm(question: string, initial: boolean): Promise<boolean>;
}

/** What a command answers: the exit code, the data for `--json`, and what a person reads. */
export interface Outcome {
  readonly exitCode?: number;
  readonly data: unknown;
  readonly view: readonly Block[];
}

/** A paragraph, or rows under a header (numbers are set to the right). */
export type Block =
  | string
  | { readonly header: readonly string[]; readonly rows: readonly (readonly (string | number)[])[] };

/** Flags that every command takes, as they were given. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: number;
  readonly yes?: boolean;
  /** False after `--no-input`. */
  readonly input?: boolean;
  readonly dryRun?: boolean;
  /** False after `--no-color`. */
  readonly color?: boolean;
  readonly env?: string;
  readonly config?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly cwd?: string;
  /** Docker context to work on. */
  readonly context?: string;
  /** `id=reason` of each check to waive. */
  readonly waive?: readonly string[];
}
