import type { Outcome, Ports } from '../ports.ts';
import { isStack, openProject, underLease } from './context.ts';
import type { DownOptions } from './stack/down.ts';
import { stopServer } from './server-process.ts';
import { loadServer } from './server-state.ts';

/** Stops exactly what `up` started; the data stays. */
export async function down(ports: Ports, options: DownOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (isStack(project)) return await (await import('./stack/down.ts')).downStack(ports, options, project);
  const server = await loadServer(ports, project);
  if (options.dryRun === true) {
    const would =
      server?.alive === true ? `Would stop the server (pid ${server.state.pid}).` : 'Nothing is running.';
    return { data: { stop: server?.alive === true ? [server.state.pid] : [] }, view: [would] };
  }
  const stopped = await underLease(
    ports,
    project,
    'down',
    async () =>
      await ports.reporter.step('Stop the search API', async () => await stopServer(ports, project)),
  );
  return {
    data: { stopped, pid: server?.state.pid ?? null },
    view: [stopped ? `Stopped. The data stays in ${project.state}.` : 'Nothing was running.'],
  };
}
