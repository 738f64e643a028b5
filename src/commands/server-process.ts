import { PortiereError } from '../errors.ts';
import type { Ports, ProcessIdentity, Progress } from '../ports.ts';
import { publishedBuild } from '../search/index/publish.ts';
import type { Project } from './context.ts';
import { probeStack } from './health.ts';
import { loadServer, noteServer, serverFile, serverLog } from './server-state.ts';

const stopGrace = 10_000;
const lookEvery = 100;

/** Starts `serve` detached, its output in the log. */
export async function startServer(ports: Ports, project: Project): Promise<ProcessIdentity> {
  await ports.files.remove(serverFile(project));
  const { config, root } = project;
  const args = ['serve', '--env', config.environment, '--no-input', '--no-color', '--cwd', root];
  if (config.file !== undefined) args.push('--config', config.file);
  const process = await ports.processes.spawnSelf(args, { cwd: root, log: serverLog(project), env: {} });
  // Written here already, so that a server that hangs before it listens is found and stopped too.
  await noteServer(ports, project, process);
  return process;
}

/** Waits until the server is ready with the published build; says early when it is gone, and its last words. */
export async function waitReady(
  ports: Ports,
  project: Project,
  options: { readonly process: ProcessIdentity; readonly timeout: number; readonly progress: Progress },
): Promise<void> {
  const end = ports.clock.elapsed() + options.timeout;
  let last = 'waiting for it to listen';
  let told = '';
  while (ports.clock.elapsed() < end) {
    if (!ports.processes.alive(options.process)) throw await diedAtStart(ports, project);
    const server = await loadServer(ports, project);
    if (server?.state.pid === options.process.pid) {
      const { seen, verdict } = await probeStack(ports, project, 5_000);
      const current =
        seen.ready?.answered === true && seen.ready.build === (await publishedBuild(project.pointer));
      if (verdict.status !== 'down' && current) return;
      if (seen.ready?.answered === true) last = verdict.cause;
    }
    if (last !== told) options.progress.say(last);
    told = last;
    await ports.clock.sleep(lookEvery);
  }
  throw new PortiereError('TIMED_OUT', `The server is not ready after ${options.timeout / 1000} s: ${last}`, {
    hint: 'Look at: portiere logs. It was left running; portiere down stops it.',
  });
}

/** Stops the server of this environment, and only that process; true where there was one. */
export async function stopServer(ports: Ports, project: Project): Promise<boolean> {
  const server = await loadServer(ports, project);
  if (server?.alive === true) await ports.processes.stop(server.state, stopGrace);
  await ports.files.remove(serverFile(project));
  return server?.alive === true;
}

async function diedAtStart(ports: Ports, project: Project): Promise<PortiereError> {
  const lines: string[] = [];
  const stop = AbortSignal.abort();
  for await (const line of ports.files.tail(serverLog(project), { lines: 20, follow: false, stop }))
    lines.push(line);
  return new PortiereError(
    'UNHEALTHY',
    `The server ended while starting. Its last lines:\n${lines.join('\n')}`,
    {
      hint: `The whole log: ${serverLog(project)}`,
    },
  );
}
