import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { PortiereError } from '../errors.ts';
import type { ExecOptions, ProgramResult } from '../ports/engine.ts';
import { demultiplex } from './docker-output.ts';

interface ExecStart {
  readonly Cmd: string[];
  readonly AttachStdin: boolean;
  readonly AttachStdout: true;
  readonly AttachStderr: true;
  readonly User?: string;
}

/** What the API client offers to run a program in a container. */
interface ExecHost {
  exec(options: ExecStart): Promise<{
    start(options: { readonly hijack: true; readonly stdin: boolean }): Promise<Duplex>;
    inspect(): Promise<{ readonly ExitCode: number | null }>;
  }>;
}

const codeAfter = 2_000;

/** Runs a program inside a container; throws TIMED_OUT, though the engine then lets it run on. */
export async function runInside(
  container: ExecHost,
  argv: readonly string[],
  { user, stdin, timeout = 60_000 }: ExecOptions,
): Promise<ProgramResult> {
  const exec = await container.exec({
    Cmd: [...argv],
    AttachStdin: stdin !== undefined,
    AttachStdout: true,
    AttachStderr: true,
    ...(user !== undefined && { User: user }),
  });
  // A connection taken over can be closed for writing alone, which is how the program sees its input end.
  const stream = await exec.start({ hijack: true, stdin: stdin !== undefined });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stream.destroy();
  }, timeout);
  if (stdin === undefined) stream.end();
  else stream.end(stdin);
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  try {
    for await (const { stream: name, bytes } of demultiplex(stream)) output[name].push(bytes);
  } catch (error) {
    if (!late) throw error;
  } finally {
    clearTimeout(timer);
  }
  if (late) {
    throw new PortiereError(
      'TIMED_OUT',
      `${argv[0] ?? ''} inside the container did not end in ${timeout} ms.`,
      {
        hint: 'It may still run there.',
      },
    );
  }
  return {
    exitCode: await exitCodeOf(exec),
    stdout: Buffer.concat(output.stdout).toString('utf8'),
    stderr: Buffer.concat(output.stderr).toString('utf8'),
  };
}

/** The engine may know a program's exit code a moment after the end of its output. */
async function exitCodeOf(exec: Awaited<ReturnType<ExecHost['exec']>>): Promise<number> {
  const end = Date.now() + codeAfter;
  while (true) {
    const { ExitCode } = await exec.inspect();
    if (ExitCode !== null) return ExitCode;
    if (Date.now() > end) {
      throw new PortiereError(
        'ENGINE_FAILED',
        'The engine does not tell how a program in a container ended.',
      );
    }
    await sleep(20);
  }
}
