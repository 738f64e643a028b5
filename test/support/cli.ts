import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The file that starts the built binary. */
export const binary = join(root, 'bin/portiere.js');
/** The vocabulary that ships with the package: 309 concepts. */
export const sample = join(root, 'templates/vocabulary');
/** A real download, where the folder beside the checkout holds one. */
export const download = fileURLToPath(new URL('../../../shared/data/athena-bundle.zip', import.meta.url));
export const hasDownload = existsSync(download);

export interface RunOptions {
  readonly cwd: string;
  /** Over a bare environment: PATH, HOME and no colour or CI settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** `closed`: the descriptor is not open at all; default: it is at its end. */
  readonly stdin?: 'closed' | 'empty';
  /** Milliseconds until the command is killed, which shows as code null. */
  readonly timeout?: number;
}

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** A command that runs: what it has printed so far, and its end. */
export interface Started {
  readonly child: ChildProcess;
  readonly done: Promise<Run>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

const children = new Set<ChildProcess>();
const projects = new Set<TestProject>();

/** Runs the built binary to its end. */
export async function runCli(args: readonly string[], options: RunOptions): Promise<Run> {
  return await startCli(args, options).done;
}

/** Runs the built binary as another user, by setpriv. */
export async function runAs(uid: number, args: readonly string[], options: RunOptions): Promise<Run> {
  const who = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return await startProgram([...who, process.execPath, binary, ...args], options).done;
}

/** Starts the built binary. */
function startCli(args: readonly string[], options: RunOptions): Started {
  return startProgram([process.execPath, binary, ...args], options);
}

function startProgram(program: readonly string[], options: RunOptions): Started {
  const [file, ...rest] =
    options.stdin === 'closed' ? ['sh', '-c', 'exec "$@" <&-', 'sh', ...program] : program;
  const child = spawn(file ?? '', rest, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const start = performance.now();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000);
  const done = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - start });
    });
  });
  return { child, done, stdout: () => stdout, stderr: () => stderr };
}

/** The environment a command gets: nothing of the test runner's but what a program needs to run. */
export function environment(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', TZ: 'UTC', ...own };
}

/** A project of its own in a temporary folder, with a port of its own; `end` leaves nothing of it. */
export interface TestProject {
  readonly folder: string;
  readonly state: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: Partial<RunOptions>): Promise<Run>;
  start(args: readonly string[], options?: Partial<RunOptions>): Started;
  /** Runs with `--json` and gives the one object printed. */
  json(args: readonly string[], options?: Partial<RunOptions>): Promise<Answer>;
  /** GET on its API. */
  get(path: string): Promise<Response>;
  /** The pid of its server as it is noted; undefined where none is. */
  serverPid(): Promise<number | undefined>;
  end(): Promise<void>;
}

/** The object that `--json` prints, loosely: tests look at what they need. */
export interface Answer {
  readonly schema: number;
  readonly command: string;
  readonly ok: boolean;
  readonly code: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- each command has its own shape, which the test states
  readonly data: any;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly problems: unknown[];
  };
  readonly warnings: readonly string[];
}

export async function newProject(
  env: Readonly<Record<string, string>> = {},
  name = 'portiere-',
): Promise<TestProject> {
  const folder = await mkdtemp(join(tmpdir(), name));
  const port = await freePort();
  const state = join(folder, '.portiere/embedded');
  const own = { API_PORT: String(port), ...env };
  const start: TestProject['start'] = (args, options) =>
    startCli(args, { cwd: folder, ...options, env: { ...own, ...options?.env } });
  const run: TestProject['run'] = async (args, options) => await start(args, options).done;
  const serverPid = async (): Promise<number | undefined> => {
    const text = await readFile(join(state, 'server.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { pid?: number }).pid;
  };
  const project: TestProject = {
    folder,
    state,
    port,
    env: own,
    start,
    run,
    serverPid,
    async json(args, options) {
      const done = await run([...args, '--json'], options);
      if (done.stdout.trim() === '')
        throw new Error(`no JSON of ${args.join(' ')} (${done.code}): ${done.stderr}`);
      return JSON.parse(done.stdout) as Answer;
    },
    get: async (path) =>
      await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) }),
    async end() {
      const pids = [...new Set([await serverPid().catch(() => undefined), ...(await processesOf(folder))])];
      for (const pid of pids)
        if (pid !== undefined && (await processesOf(folder)).includes(pid)) kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      projects.delete(project);
    },
  };
  projects.add(project);
  return project;
}

/** Kills what a test left running, and ends the projects that a failed one left. For afterAll. */
export async function killStrays(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  for (const project of projects) await project.end();
}

/** The processes of this machine that work in a folder or name it on their command line. */
export async function processesOf(folder: string): Promise<number[]> {
  const { readdir, readlink } = await import('node:fs/promises');
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [cwd, line, state] = await Promise.all([
      readlink(`/proc/${name}/cwd`).catch(() => ''),
      readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => ''),
      readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''),
    ]);
    const zombie = / Z /.test(state.slice(state.lastIndexOf(')')));
    if (!zombie && (cwd === folder || cwd.startsWith(`${folder}/`) || line.includes(folder)))
      found.push(Number(name));
  }
  return found.filter((pid) => pid !== process.pid);
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It may be gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A port nobody listens on, of the range that outgoing connections do not use. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 18_200 + Math.floor(Math.random() * 9_000);
    const server = await occupy(port).catch(() => undefined);
    if (server === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Listens on a port and says nothing. */
export async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

export async function isListening(port: number): Promise<boolean> {
  const server = await occupy(port).catch(() => undefined);
  if (server === undefined) return true;
  await new Promise((resolve) => server.close(resolve));
  return false;
}

/** Waits until something holds; fails after `timeout` milliseconds. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeout = 20_000,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
