import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Project } from '../context.ts';
import { checkRendered } from '../render.ts';
import { stackOf } from '../stack.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, renderFolder } from './engine.ts';
import { readiness } from './readiness.ts';
import { selectServices } from './select.ts';
import { stateOf } from './ps.ts';
import { decide } from './up.ts';

/** Desired against live, service by service, and the build that is served; 2 with `--detailed-exitcode` where they differ. */
export async function statusOfStack(
  ports: Ports,
  options: GlobalOptions & { readonly detailedExitcode?: boolean },
  project: Project,
): Promise<Outcome> {
  const stack = await stackOf(ports, project, { certificate: 'as it is' });
  const services = selectServices(stack, {});
  const engine = await connectEngine(ports, options);
  const { changes, containers } = await decide(ports, engine, { project, stack, services, replicas: {} });
  const files = await checkRendered(ports, stack, renderFolder(project));
  const runs = containers.some(({ service, state }) => service === 'api' && state === 'running');
  const ready = runs ? await readiness(engine, stack, containers).catch(() => null) : null;
  const inSync = changes.length === 0 && files.length === 0;
  const rows = services.map(({ name, replicas, kind }) => {
    const mine = containers.filter((one) => one.service === name).filter(isOfTheStack);
    const change = changes.find(({ service }) => service === name);
    const live = mine.length === 0 ? 'none' : mine.map(stateOf).join(', ');
    return [
      name,
      kind === 'job' ? 'done' : String(replicas),
      live,
      change === undefined ? 'in sync' : `${change.action}: ${change.cause}`,
    ];
  });
  return {
    exitCode: options.detailedExitcode === true && !inSync ? 2 : 0,
    data: {
      environment: project.config.environment,
      endpoint: engine.endpoint,
      in_sync: inSync,
      changes,
      files,
      serving: ready?.build ?? null,
      health: ready?.status ?? null,
    },
    view: [
      `${project.config.name}, environment ${project.config.environment}: ${inSync ? 'in sync' : 'differs'}; build served: ${ready?.build ?? 'none'}`,
      { header: ['service', 'desired', 'live', 'difference'], rows },
      ...files.map(({ path: file, action }) => `${file}: would ${action}`),
      ...(inSync ? [] : ['portiere up brings them together.']),
    ],
  };
}
