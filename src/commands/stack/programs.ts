import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import { openProject, type Project } from '../context.ts';
import { stackOf } from '../stack.ts';
import { requireComposeFile, requireRendered } from './compose-file.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, namespaceOf, ownedBy } from './engine.ts';
import { requireStack } from './require-stack.ts';
import { knownService } from './select.ts';

export interface ProgramOptions extends GlobalOptions {
  readonly service: string;
  readonly program: readonly string[];
}

/** Runs a program in a running container, on the caller's terminal, and ends with its exit code. */
export async function exec(ports: Ports, options: ProgramOptions): Promise<Outcome> {
  const { project, engine } = await open(ports, options, 'exec');
  if (options.dryRun === true) return wouldRun(options, 'in a running container');
  const containers = await engine.containers(ownedBy(project));
  if (!containers.some((one) => one.service === options.service && isOfTheStack(one))) {
    throw new PortiereError('SERVER_UNREACHABLE', `No container of ${options.service} is running.`, {
      hint: 'Start it with: portiere up; or use: portiere run, which makes a container of its own.',
    });
  }
  return await compose(ports, engine, { project, options, args: ['exec'] });
}

/** Runs a program in a new container of a service, which is removed afterwards, and ends with its exit code. */
export async function run(ports: Ports, options: ProgramOptions): Promise<Outcome> {
  const { project, engine, service } = await open(ports, options, 'run');
  if (options.dryRun === true) return wouldRun(options, 'in a container of its own');
  await requireRendered(ports, engine, { project, service });
  return await compose(ports, engine, { project, options, args: ['run', '--rm', '--no-deps'] });
}

async function open(
  ports: Ports,
  options: ProgramOptions,
  command: string,
): Promise<{ project: Project; engine: Engine; service: ReturnType<typeof knownService> }> {
  const project = requireStack(await openProject(ports, options), command);
  const stack = await stackOf(ports, project, { certificate: 'as it is' });
  const service = knownService(stack, options.service);
  if (options.program.length === 0) {
    throw new PortiereError('USAGE', `No program is named to run in ${options.service}.`, {
      hint: `Write it after --: portiere ${command} ${options.service} -- ls -l`,
    });
  }
  return { project, service, engine: await connectEngine(ports, options) };
}

function wouldRun({ program, service }: ProgramOptions, where: string): Outcome {
  return {
    data: { would_run: program, service },
    view: [`Would run ${program.join(' ')} ${where} of ${service}.`],
  };
}

interface Running {
  readonly project: Project;
  readonly options: ProgramOptions;
  readonly args: readonly string[];
}

async function compose(ports: Ports, engine: Engine, { project, options, args }: Running): Promise<Outcome> {
  const file = await requireComposeFile(ports, project);
  const piped = options.json === true;
  const tty = piped || !ports.caller.interactive ? ['-T'] : [];
  const { exitCode, stdout, stderr } = await engine.compose(
    [...args, ...tty, options.service, ...options.program],
    {
      file,
      project: namespaceOf(project),
      signal: ports.caller.interrupted,
      ...(piped ? {} : { terminal: 'inherit' as const }),
    },
  );
  return { exitCode, data: { exit_code: exitCode, stdout, stderr }, view: [] };
}
