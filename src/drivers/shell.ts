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
