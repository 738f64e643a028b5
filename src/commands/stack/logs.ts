import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { ContainerState, Engine, LogOptions } from '../../ports/engine.ts';
import type { Project } from '../context.ts';
import { stackOf } from '../stack.ts';
import { connectEngine, ownedBy } from './engine.ts';
import { knownService } from './select.ts';

export interface StackLogsOptions extends GlobalOptions {
  readonly services?: readonly string[];
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
}

/** The logs of containers, each line under its container's name; with `--follow` those to come as well. */
export async function logsOfStack(
  ports: Ports,
  options: StackLogsOptions,
  project: Project,
): Promise<Outcome> {
  const wanted = options.services ?? [];
  if (wanted.length > 0) {
    const stack = await stackOf(ports, project, { certificate: 'as it is' });
    for (const name of wanted) knownService(stack, name);
  }
  const engine = await connectEngine(ports, options);
  const all = await engine.containers(ownedBy(project), { all: true });
  const containers = all.filter(({ service }) => wanted.length === 0 || wanted.includes(service));
  if (containers.length === 0) {
    throw new PortiereError(
      'SERVER_UNREACHABLE',
      `No container of ${wanted.join(', ') || project.config.environment} is there.`,
      {
        hint: 'Start the stack: portiere up',
      },
    );
  }
  const lines: { container: string; service: string; text: string }[] = [];
  const how = { ...logOptions(ports, options), stop: ports.caller.interrupted };
  const width = Math.max(...containers.map(({ name }) => name.length));
  const emit = (container: ContainerState, text: string): void => {
    const line = containers.length === 1 ? text : `${container.name.padEnd(width)} | ${text}`;
    if (options.json !== true) ports.reporter.line(line);
    else if (options.follow === true) ports.reporter.note(line);
    else lines.push({ container: container.name, service: container.service, text });
  };
  if (options.follow === true) {
    await Promise.all(containers.map(async (one) => await read(engine, one, { how, emit })));
  } else for (const one of containers) await read(engine, one, { how, emit });
  return { data: { lines }, view: [] };
}

interface Reading {
  readonly how: LogOptions;
  readonly emit: (container: ContainerState, text: string) => void;
}

async function read(engine: Engine, container: ContainerState, { how, emit }: Reading): Promise<void> {
  for await (const { text } of engine.logs(container.id, how)) emit(container, text);
}

function logOptions(ports: Ports, { tail, follow, since }: StackLogsOptions): LogOptions {
  return {
    ...(tail === undefined && since !== undefined ? {} : { tail: tail ?? 100 }),
    follow: follow === true,
    ...(since === undefined ? {} : { since: sinceTime(since, ports.clock.now().getTime()) }),
  };
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m`, `2h` or an ISO time, as milliseconds since the epoch. */
export function sinceTime(text: string, now: number): number {
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (number !== undefined && unit !== undefined) return now - Number(number) * (units[unit] ?? 0);
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new PortiereError('USAGE', `--since ${JSON.stringify(text)} is no time.`, {
    hint: 'Write 30s, 10m, 2h, 1d, or a time such as 2026-01-31T10:00:00Z.',
  });
}
