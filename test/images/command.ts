import { spawn } from 'node:child_process';
import { PortiereError } from '../../src/errors.ts';

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Seconds until the command is killed. */
  readonly seconds?: number;
}

/** Runs a program to its end and gives its stdout; throws with the last lines it printed when it fails. */
export async function run(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { env, cwd, seconds = 60 } = options;
  const child = spawn(file, args, {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
  });
  let stdout = '';
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const end = await new Promise<Error | number | string>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (end === 0) return stdout;
  throw failure([file, ...args].join(' '), end, printed);
}

/** Whether a program is on the PATH. */
export async function installed(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return await run('sh', ['-c', `command -v ${program}`], { env }).then(
    () => true,
    () => false,
  );
}

function failure(command: string, end: Error | number | string, printed: string): PortiereError {
  if (end instanceof Error) {
    const missing = (end as NodeJS.ErrnoException).code === 'ENOENT';
    return new PortiereError(missing ? 'PACKAGE_MISSING' : 'BUG', `Could not start: ${command}`, {
      cause: end,
    });
  }
  const tail = printed.trimEnd().split('\n').slice(-40).join('\n');
  return new PortiereError('BUG', `${command}\nended with ${end}:\n${tail}`);
}
