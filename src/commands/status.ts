import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { publishedManifest } from './index/publish.ts';
import { isStack, openProject } from './context.ts';
import { buildOf, probeStack } from './health.ts';
import { addressOf, fingerprint, loadServer } from './server-state.ts';

/** Desired against live: the process, its settings, the build it serves and the one that is published. */
export async function status(
  ports: Ports,
  options: GlobalOptions & { detailedExitcode?: boolean },
): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (isStack(project))
    return await (await import('./stack/status.ts')).statusOfStack(ports, options, project);
  const server = await loadServer(ports, project);
  const { seen, verdict } = await probeStack(ports, project, (options.timeout ?? 5) * 1000);
  const manifest = await publishedManifest(project);
  const alive = server?.alive === true;
  const current = alive && server.state.fingerprint === fingerprint(project, ports.self.version);
  const { API_HOST, API_PORT } = project.config.settings;
  const serving = buildOf(seen);
  const inSync = current && serving === (manifest?.id ?? null) && verdict.status === 'ok';
  const rows = [
    [
      'server',
      'running',
      alive ? `running, pid ${server.state.pid}, since ${server.state.since}` : 'stopped',
    ],
    ['settings', 'as configured', alive ? (current ? 'as configured' : 'changed since it was started') : '-'],
    ['build', manifest?.id ?? 'none', serving ?? 'none'],
    ['address', addressOf(API_HOST, API_PORT), alive ? server.state.url : '-'],
  ];
  return {
    exitCode: options.detailedExitcode === true && !inSync ? 2 : 0,
    data: {
      environment: project.config.environment,
      running: alive,
      in_sync: inSync,
      pid: alive ? server.state.pid : null,
      url: alive ? server.state.url : null,
      published: manifest?.id ?? null,
      serving,
      source: manifest?.source ?? null,
      embedding: manifest?.embedding ?? null,
      health: verdict.status,
    },
    view: [
      `${project.config.name}, environment ${project.config.environment}: ${inSync ? 'in sync' : 'differs'}`,
      { header: ['', 'desired', 'live'], rows },
      ...(inSync ? [] : ['portiere up brings them together.']),
    ],
  };
}
