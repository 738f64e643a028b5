import { exitCodes, PortiereError } from '../errors.ts';
import { type ComponentHealth, judge, type Observation, type Verdict } from '../plan/health.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { publishedBuild } from '../search/index/publish.ts';
import { openProject, isStack, type Project } from './context.ts';
import { staleness } from './index/builds.ts';
import { loadServer } from './server-state.ts';

/** Probes the stack and names the cause of what is wrong; exit 8 where it is stopped or sick. */
export async function health(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (isStack(project))
    return await (await import('./stack/health.ts')).healthOfStack(ports, options, project);
  const { seen, verdict } = await probeStack(ports, project, (options.timeout ?? 5) * 1000);
  const stamp = seen.ready?.answered === true ? seen.ready.stamp : null;
  const stale = await staleness(project, stamp);
  return {
    exitCode: verdict.status === 'down' ? exitCodes.UNHEALTHY : 0,
    data: {
      environment: project.config.environment,
      ...verdict,
      build: buildOf(seen),
      stale,
      url: seen.server?.url ?? null,
    },
    view: [...(healthView(project, verdict) ?? []), ...(stale === null ? [] : [stale])],
  };
}

export async function probeStack(
  ports: Ports,
  project: Project,
  timeout: number,
): Promise<{ seen: Observation; verdict: Verdict }> {
  const found = await loadServer(ports, project);
  const server =
    found === undefined ? null : { pid: found.state.pid, alive: found.alive, url: found.state.url };
  // A pointer that is no link of ours is no reason to say nothing of the rest: nothing is published by it.
  const published = (await publishedBuild(project.pointer).catch(() => undefined)) ?? null;
  const ready = server?.alive === true ? await askReady(ports, server.url, timeout) : null;
  const seen: Observation = { server, ready, published };
  return { seen, verdict: judge(seen) };
}

export function healthView(project: Project, { status, cause, hint, components }: Verdict): Outcome['view'] {
  return [
    `${project.config.name}, environment ${project.config.environment}: ${status}`,
    {
      header: ['component', 'state', 'latency', 'detail'],
      rows: components.map(({ name, state, latency_ms, detail }) => [
        name,
        state,
        latency_ms === null ? '' : `${latency_ms.toFixed(1)} ms`,
        detail,
      ]),
    },
    ...(cause === '' ? [] : [`cause: ${cause}\nhint: ${hint}`]),
  ];
}

export function buildOf(seen: Observation): string | null {
  return seen.ready?.answered === true ? seen.ready.build : null;
}

async function askReady(
  ports: Ports,
  url: string,
  timeout: number,
): Promise<NonNullable<Observation['ready']>> {
  try {
    const { body } = await ports.http.get(`${url}/health/ready`, timeout);
    const answer = body as {
      build?: string | null;
      vocabulary_stamp?: string | null;
      components?: ComponentHealth[];
    };
    if (answer.components === undefined)
      return { answered: false, reason: 'it is not a portiere search API' };
    const components = answer.components.map((one) => ({ ...one, detail: one.detail ?? '' }));
    return {
      answered: true,
      build: answer.build ?? null,
      stamp: answer.vocabulary_stamp ?? null,
      components,
    };
  } catch (error) {
    if (error instanceof PortiereError) return { answered: false, reason: error.message };
    throw error;
  }
}
