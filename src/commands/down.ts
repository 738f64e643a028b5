import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { openProject, requireEmbedded, underLease } from './context.ts';
import { stopServer } from './server-process.ts';
import { loadServer } from './server-state.ts';

/** Stops exactly what `up` started; the data stays. */
export async function down(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  requireEmbedded(project, 'down');
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
