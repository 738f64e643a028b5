import { exitCodes } from '../../errors.ts';
import type { ComponentHealth } from '../../plan/health.ts';
import { judgeStack } from '../../plan/stack-health.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Project } from '../context.ts';
import { staleness } from '../index/builds.ts';
import { stackOf } from '../stack.ts';
import { addresses } from './addresses.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, ownedBy } from './engine.ts';
import { readiness } from './readiness.ts';

/** Probes every container and the search API behind them, and names the first cause of what is wrong. */
export async function healthOfStack(
  ports: Ports,
  options: GlobalOptions,
  project: Project,
): Promise<Outcome> {
  const stack = await stackOf(ports, project, { certificate: 'as it is' });
  const engine = await connectEngine(ports, options);
  const containers = (await engine.containers(ownedBy(project), { all: true })).filter(isOfTheStack);
  const runs = containers.some(({ service, state }) => service === 'api' && state === 'running');
  const ready = runs ? await readiness(engine, stack, containers).catch(() => null) : null;
  const verdict = judgeStack(stack, containers, ready);
  const stale = await staleness(project, ready?.stamp ?? null);
  const urls = addresses(stack, containers);
  return {
    exitCode: verdict.status === 'down' ? exitCodes.UNHEALTHY : 0,
    data: {
      environment: project.config.environment,
      ...verdict,
      build: ready?.build ?? null,
      stale,
      url: urls.find(({ service }) => service === 'api')?.url ?? null,
    },
    view: [
      `${project.config.name}, environment ${project.config.environment}: ${verdict.status}`,
      { header: ['component', 'state', 'latency', 'detail'], rows: verdict.components.map(row) },
      ...(verdict.cause === '' ? [] : [`cause: ${verdict.cause}\nhint: ${verdict.hint}`]),
      ...(stale === null ? [] : [stale]),
    ],
  };
}

function row({ name, state, latency_ms, detail }: ComponentHealth): string[] {
  return [name, state, latency_ms === null ? '' : `${latency_ms.toFixed(1)} ms`, detail];
}
