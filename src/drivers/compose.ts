import { PortiereError } from '../errors.ts';
import type { ComposeOptions, ProgramResult } from '../ports/engine.ts';
import type { Endpoint, Environment } from './docker-endpoint.ts';
import { runProgram, type RunOptions, type RunResult } from './shell.ts';

/** Variables of the caller that the `docker` program needs to find itself, its plugins, its keys and its proxy. */
const passed = `
  PATH HOME USER LOGNAME TMPDIR TERM LANG LC_ALL
  DOCKER_CONFIG SSH_AUTH_SOCK XDG_RUNTIME_DIR XDG_CONFIG_HOME SSL_CERT_FILE SSL_CERT_DIR
  HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy`
  .trim()
  .split(/\s+/);

const ours = {
  COMPOSE_PROGRESS: 'plain',
  COMPOSE_ANSI: 'never',
  COMPOSE_MENU: 'false',
  // A `.env` beside the file would be read besides what we pass.
  COMPOSE_DISABLE_ENV_FILE: 'true',
  DOCKER_CLI_HINTS: 'false',
  BUILDKIT_PROGRESS: 'plain',
};

const reading = new Set([
  'config',
  'events',
  'images',
  'logs',
  'ls',
  'port',
  'ps',
  'stats',
  'top',
  'version',
]);

/** Runs `docker compose` for a project against an endpoint; throws COMPOSE_MISSING, TIMED_OUT or the signal's reason. */
export async function runCompose(
  args: readonly string[],
  options: ComposeOptions & { readonly endpoint: Endpoint; readonly caller: Environment },
): Promise<ProgramResult> {
  const { endpoint, caller, timeout, onLine, terminal, signal } = options;
  const result = await runProgram('docker', composeArguments(args, options, endpoint), {
    env: composeEnvironment(caller, options.env),
    ...(onLine && { onLine }),
    ...(terminal && { terminal }),
    ...(timeout !== undefined && { timeout }),
    ...(signal && { signal }),
  } satisfies RunOptions);
  signal?.throwIfAborted();
  if (result.timedOut) {
    throw new PortiereError('TIMED_OUT', `docker compose ${args[0] ?? ''} did not end in ${timeout} ms.`, {
      hint: 'Run it again; with --timeout it may take longer.',
    });
  }
  return { exitCode: started(result), stdout: result.stdout, stderr: result.stderr };
}

/** The version of the Compose plugin, such as `2.40.3`; throws COMPOSE_MISSING where it is absent or 1.x. */
export async function readComposeVersion(caller: Environment): Promise<string> {
  const result = await runProgram('docker', ['compose', 'version', '--short'], {
    env: composeEnvironment(caller, {}),
    timeout: 10_000,
  });
  const version = result.stdout.trim().replace(/^v/, '');
  if (started(result) !== 0 || !/^\d+\./.test(version)) {
    throw missing('The docker program has no Compose plugin.', result.stderr);
  }
  if (version.startsWith('1.')) throw missing(`Compose ${version} is too old: version 2 is needed.`);
  return version;
}

/** The argument list after `docker`: endpoint, project, file, profiles, then the caller's. */
export function composeArguments(
  args: readonly string[],
  { project, file, profiles = [] }: Pick<ComposeOptions, 'project' | 'file' | 'profiles'>,
  { url, tls }: Endpoint,
): string[] {
  const pem = (flag: string, value: string | undefined): string[] =>
    value === undefined ? [] : [flag, value];
  return [
    '--host',
    url,
    ...(tls === undefined ? [] : [tls.verify ? '--tlsverify' : '--tls']),
    ...pem('--tlscacert', tls?.ca),
    ...pem('--tlscert', tls?.cert),
    ...pem('--tlskey', tls?.key),
    'compose',
    '--project-name',
    project,
    '--file',
    file,
    ...profiles.flatMap((profile) => ['--profile', profile]),
    ...args,
  ];
}

/** What the program gets to see of the caller's environment, and what we add to it. */
export function composeEnvironment(
  caller: Environment,
  added: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  return { ...Object.fromEntries(passed.map((name) => [name, caller[name]])), ...ours, ...added };
}

/** True for a Compose run that changes something. */
export function changes(args: readonly string[]): boolean {
  return !args.includes('--dry-run') && !reading.has(args.find((arg) => !arg.startsWith('-')) ?? '');
}

function started(result: RunResult): number {
  if (result.exitCode !== undefined) return result.exitCode;
  throw missing('There is no docker program on the PATH.', result.stderr);
}

function missing(message: string, cause?: string): PortiereError {
  return new PortiereError('COMPOSE_MISSING', message, {
    hint: 'Install it: docs.docker.com/compose/install (Debian: apt install docker-compose-plugin)',
    ...(cause !== undefined && { cause }),
  });
}
