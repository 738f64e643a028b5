import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { PortiereError } from '../../src/errors.ts';
import type { Files, HttpAnswer, Ports, ProcessIdentity } from '../../src/ports.ts';

/** Where the project of fake ports lies; the folder does not exist. */
export const root = '/nowhere/project';

/** What a test says about the world; the rest is an empty folder, a free machine and a quiet terminal. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  /** Data of the config file; undefined: there is none. */
  readonly config?: unknown;
  /** Texts by path below the project's folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Answers by the path of the address, with its query; anything else does not answer. */
  readonly http?: Readonly<Record<string, HttpAnswer>>;
  /** Pids of processes that run. */
  readonly running?: readonly number[];
  /** Any port as a whole, over the fake one. */
  readonly ports?: Partial<Ports>;
}

export interface FakePorts extends Ports {
  /** Files by absolute path, as they are now, and the modes they were written with. */
  readonly disk: Map<string, string>;
  readonly modes: Map<string, number>;
  readonly shown: { readonly lines: string[]; readonly warnings: string[]; readonly steps: string[] };
  readonly hidden: string[];
  readonly leased: string[];
  readonly stopped: ProcessIdentity[];
  readonly asked: string[];
}

/** The outside world in memory, for one command. */
export function fakePorts(world: World = {}): FakePorts {
  const disk = new Map(
    Object.entries(world.files ?? {}).map(([name, text]) => [path.join(root, name), text]),
  );
  const modes = new Map<string, number>();
  const shown = { lines: [] as string[], warnings: [] as string[], steps: [] as string[] };
  const [hidden, leased, asked]: [string[], string[], string[]] = [[], [], []];
  const stopped: ProcessIdentity[] = [];
  const running = new Set(world.running);
  let time = 0;
  return {
    disk,
    modes,
    shown,
    hidden,
    leased,
    stopped,
    asked,
    caller: {
      cwd: root,
      env: world.env ?? {},
      interactive: false,
      calledAs: 'portiere',
      interrupted: new AbortController().signal,
    },
    self: {
      version: '1.2.3',
      entry: 'bin/portiere.js',
      templates: fileURLToPath(new URL('../../templates', import.meta.url)),
    },
    clock: {
      now: () => new Date('2026-01-02T03:04:05Z'),
      elapsed: () => time,
      async sleep(milliseconds) {
        time += milliseconds;
      },
    },
    files: memoryFiles(disk, modes),
    settingsFiles: {
      async load(_folder, explicit) {
        if (world.config === undefined) return undefined;
        const file = explicit ?? path.join(root, 'portiere.config.yaml');
        return { path: file, data: { version: 1, ...(world.config as object) }, lineOf: () => undefined };
      },
    },
    leases: {
      async take(file, command) {
        leased.push(`${path.basename(file)} ${command}`);
        return { token: 'token', lost: new AbortController().signal, async release() {} };
      },
      async holder() {
        return undefined;
      },
    },
    processes: {
      own: { pid: 100, started: '1@boot' },
      residentMemory: () => 4096,
      spawnSelf: () => refuse('spawnSelf'),
      alive: ({ pid }) => running.has(pid),
      async stop(identity) {
        running.delete(identity.pid);
        stopped.push(identity);
      },
      async portOwner() {
        return { free: true, owner: null };
      },
    },
    engines: { connect: () => refuse('engine') },
    packages: { pack: () => refuse('pack') },
    databases: { connect: () => refuse('connect'), serve: () => refuse('serve') },
    searchEngines: { connect: () => refuse('search engine') },
    vectorDatabases: { connect: () => refuse('vector database') },
    caches: { connect: () => refuse('cache') },
    http: {
      async get(url) {
        asked.push(url);
        const { pathname, search } = new URL(url);
        const answer = world.http?.[pathname + search];
        if (answer !== undefined) return answer;
        throw new PortiereError('SERVER_UNREACHABLE', `Nothing answers at ${url}.`);
      },
    },
    reporter: {
      async step(title, work) {
        shown.steps.push(title);
        return await work({ update: () => undefined, say: () => undefined });
      },
      note() {},
      warn: (text) => shown.warnings.push(text),
      line: (text) => shown.lines.push(text),
      hide: (values) => hidden.push(...values),
    },
    prompt: { text: () => refuse('text'), choose: () => refuse('choose'), confirm: () => refuse('confirm') },
    random: (bytes) => new Uint8Array(bytes).map((_, at) => (at * 37 + hidden.length) % 256),
    ...world.ports,
  };
}

function refuse(what: string): Promise<never> {
  return Promise.reject(new Error(`this test gave no ${what}`));
}

function memoryFiles(disk: Map<string, string>, modes: Map<string, number>): Files {
  return {
    read: async (file) => disk.get(file),
    mode: async (file) => (disk.has(file) ? (modes.get(file) ?? 0o600) : undefined),
    exists: async (file) => [...disk.keys()].some((known) => known === file || known.startsWith(`${file}/`)),
    async write(file, text, mode = 0o644) {
      disk.set(file, text);
      modes.set(file, mode);
    },
    async makeFolder() {},
    async remove(file) {
      disk.delete(file);
    },
    async tidy() {},
    async *tail(file, { lines }) {
      yield* (disk.get(file) ?? '').split('\n').slice(0, -1).slice(-lines);
    },
  };
}
