import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Project, underLease } from '../context.ts';
import { stackOf } from '../stack.ts';
import { requireRendered } from './compose-file.ts';
import { composeFile, connectEngine, namespaceOf, ownedBy } from './engine.ts';
import { noteOf } from './job-note.ts';
import { knownService } from './select.ts';

export interface JobRequest {
  /** The command as it is run inside: `['migrate', 'up']`. */
  readonly argv: readonly string[];
  /** It changes something, so nothing else may at the same time. */
  readonly changes: boolean;
  /** Files and folders of this machine that it reads: absolute path to path in the container. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** `data`: the caller wants what it answers and shows it himself; what it says meanwhile is passed on as ever. */
  readonly answer?: 'data';
}

/**
 * Runs one of our commands in a container of the api image inside the stack's network (data ports are not
 * published), passing on what it says and its exit code.
 */
export async function runInStack(
  ports: Ports,
  options: GlobalOptions,
  { project, request }: { readonly project: Project; readonly request: JobRequest },
): Promise<Outcome> {
  const engine = await connectEngine(ports, options);
  const work = async (): Promise<Outcome> => await runOnce(ports, engine, { project, request, options });
  return isUnderLease(request, options)
    ? await underLease(ports, project, request.argv.slice(0, 2).join(' '), work)
    : await work();
}

function isUnderLease({ changes }: JobRequest, { dryRun }: GlobalOptions): boolean {
  return changes && dryRun !== true;
}

async function runOnce(
  ports: Ports,
  engine: Engine,
  { project, request, options }: { project: Project; request: JobRequest; options: GlobalOptions },
): Promise<Outcome> {
  const stack = await stackOf(ports, project, { certificate: 'as it is' });
  const service = knownService(stack, 'index');
  await requireDatabase(
    engine,
    project,
    stack.services.some(({ name }) => name === 'postgres'),
  );
  await requireRendered(ports, engine, { project, service, leased: isUnderLease(request, options) });
  const json = options.json === true || request.answer === 'data';
  const { exitCode, stdout } = await engine.compose(
    [
      'run',
      '--rm',
      '--no-deps',
      '-T',
      ...Object.entries(request.mounts ?? {}).flatMap(([from, to]) => ['--volume', mountWords(from, to)]),
      ...Object.entries(request.environment ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      service.name,
      'portiere',
      ...request.argv,
      ...passedOn({ ...options, json }),
    ],
    {
      file: composeFile(project),
      project: namespaceOf(project),
      signal: ports.caller.interrupted,
      ...(options.json === true
        ? {}
        : {
            onLine: (line: string, stream: 'stdout' | 'stderr') => {
              if (stream === 'stderr') for (const text of noteOf(line)) ports.reporter.note(text);
              else if (!json) ports.reporter.line(line);
            },
          }),
    },
  );
  return { exitCode, data: json ? dataIn(stdout) : {}, view: [] };
}

/** `docker compose run` knows mounts by their short form alone, which has no way to write a colon in a path. */
function mountWords(from: string, to: string): string {
  if (!from.includes(':') && !to.includes(':')) return `${from}:${to}:ro`;
  throw new PortiereError(
    'USAGE',
    `${from} has a colon in its path, and cannot be mounted for one command.`,
    {
      hint: 'Name a path without one; portiere up --vocabulary takes any.',
    },
  );
}

/** Flags that mean the same inside. */
function passedOn(options: GlobalOptions): readonly string[] {
  return [
    '--no-input',
    '--no-color',
    ...(options.json === true ? ['--json'] : []),
    ...(options.quiet === true ? ['--quiet'] : []),
    ...(options.dryRun === true ? ['--dry-run'] : []),
    ...(options.timeout === undefined ? [] : ['--timeout', String(options.timeout)]),
  ];
}

async function requireDatabase(engine: Engine, project: Project, rendered: boolean): Promise<void> {
  if (!rendered) return;
  const containers = await engine.containers(ownedBy(project));
  if (containers.some(({ service }) => service === 'postgres')) return;
  throw new PortiereError(
    'DATABASE_UNREACHABLE',
    `The postgres of ${project.config.environment} is not running.`,
    {
      hint: `Start it with: portiere up postgres --env ${project.config.environment}`,
    },
  );
}

/** The data of the one JSON object that the command inside printed; what it said of a failure stays in it. */
function dataIn(stdout: string): unknown {
  try {
    const answer = JSON.parse(stdout) as { data?: unknown; error?: unknown };
    return answer.data ?? answer.error ?? answer;
  } catch {
    return { output: stdout };
  }
}
