import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { execa } from 'execa';

import { PortiereError } from '../errors.ts';

export interface DetachedOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** File descriptor that gets standard output and error. */
  readonly output: number;
}

/** Starts a program that outlives us, without a shell, and returns its pid. */
export function startDetached(file: string, args: readonly string[], options: DetachedOptions): number {
  // execa's types name only the first ten descriptors; any open one works.
  const output = options.output as 9;
  const child = execa(file, [...args], {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    reject: false,
  });
  child.nodeChildProcess.unref();
  if (child.pid === undefined) throw new PortiereError('BUG', `Could not start ${file}.`);
  return child.pid;
}

type Variables = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
  /** The program's whole environment. */
  readonly env: Variables;
  /** Each line as it comes; only the last 200 of each stream are then kept. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** The caller's own terminal; nothing is captured. */
  readonly terminal?: 'inherit';
  /** Milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** 128 + number for a program that a signal ended; undefined where it could not be started. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const killAfter = 10_000;
const keptLines = 200;

/** Runs a program without a shell; when aborted or out of time it gets SIGINT, and its whole group SIGKILL 10 s later. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  if (options.terminal === 'inherit') return await runOnTerminal(file, args, options);
  const child = execa(file, [...args], {
    env: defined(options.env),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    buffer: options.onLine === undefined,
    killSignal: 'SIGINT',
    killDescendants: true,
    forceKillAfterDelay: killAfter,
    timeout: options.timeout ?? 0,
    ...(options.signal && { cancelSignal: options.signal }),
  });
  const streams = ['stdout', 'stderr'] as const;
  const kept = { stdout: [] as string[], stderr: [] as string[] };
  const { onLine } = options;
  const reading = streams.map(async (stream) => {
    if (onLine === undefined) return;
    for await (const line of child.iterable({ from: stream })) {
      onLine(line, stream);
      kept[stream].push(line);
      if (kept[stream].length > keptLines) kept[stream].shift();
    }
  });
  // How the program ended is in its result; the streams of one that failed fail with the same.
  const [result] = await Promise.all([child, Promise.allSettled(reading)]);
  return {
    exitCode: codeOf(result),
    stdout: result.stdout ?? kept.stdout.join('\n'),
    stderr: result.stderr ?? kept.stderr.join('\n'),
    timedOut: result.timedOut,
  };
}

/** A program at the terminal stays in our process group, so Ctrl-C reaches it without us. */
async function runOnTerminal(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = execa(file, [...args], {
    env: defined(options.env),
    extendEnv: false,
    stdio: 'inherit',
    reject: false,
    timeout: options.timeout ?? 0,
  });
  const stop = (): void => {
    const reason = options.signal?.reason as { readonly code?: string } | undefined;
    if (reason?.code !== 'INTERRUPTED') child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), killAfter).unref();
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  const result = await child;
  options.signal?.removeEventListener('abort', stop);
  return { exitCode: codeOf(result), stdout: '', stderr: '', timedOut: result.timedOut };
}

/** A program's input and output as one stream, which fails with what it said on standard error. */
export function openPipe(file: string, args: readonly string[], env: Variables): Duplex {
  return execa(file, [...args], { env: defined(env), extendEnv: false, buffer: { stdout: false } }).duplex();
}

function defined(env: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function codeOf(result: { readonly exitCode?: number; readonly signal?: string }): number | undefined {
  if (result.signal === undefined) return result.exitCode;
  return 128 + constants.signals[result.signal as NodeJS.Signals];
}
