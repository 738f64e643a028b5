import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { isStack, openProject } from './context.ts';
import { serverLog } from './server-state.ts';

export interface LogsOptions extends GlobalOptions {
  readonly services?: readonly string[];
  readonly since?: string;
  readonly follow?: boolean;
  readonly tail?: number;
}

/** The server's log: its last lines, and with `--follow` those to come. */
export async function logs(ports: Ports, options: LogsOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (isStack(project)) return await (await import('./stack/logs.ts')).logsOfStack(ports, options, project);
  const file = serverLog(project);
  if (!(await ports.files.exists(file))) {
    throw new PortiereError('SERVER_UNREACHABLE', `There is no log yet: ${file}.`, {
      hint: 'Start the stack: portiere up',
    });
  }
  const lines: string[] = [];
  const follow = options.follow === true;
  const tail = ports.files.tail(file, { lines: options.tail ?? 100, follow, stop: ports.caller.interrupted });
  for await (const line of tail) {
    // Standard output holds one JSON object, so what is followed comes as events on standard error.
    if (options.json === true && follow) ports.reporter.note(line);
    else if (options.json === true) lines.push(line);
    else ports.reporter.line(line);
  }
  return { data: { file, lines }, view: [] };
}
