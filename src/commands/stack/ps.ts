import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { ContainerState } from '../../ports/engine.ts';
import { openProject } from '../context.ts';
import { requireStack } from './require-stack.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, ownedBy } from './engine.ts';

/** The containers of an environment. */
export async function ps(
  ports: Ports,
  options: GlobalOptions & { readonly all?: boolean },
): Promise<Outcome> {
  const project = requireStack(await openProject(ports, options), 'ps');
  const engine = await connectEngine(ports, options);
  const containers = await engine.containers(ownedBy(project), { all: true });
  const shown = containers
    .filter((one) => options.all === true || (one.state !== 'exited' && isOfTheStack(one)) || isJob(one))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
  return {
    data: shown.map((one) => ({
      name: one.name,
      service: one.service,
      id: one.id,
      image: one.image.reference,
      state: one.state,
      health: one.health?.status ?? null,
      exit_code: one.state === 'exited' ? one.exitCode : null,
      started_at: one.startedAt === null ? null : new Date(one.startedAt).toISOString(),
      restarts: one.restartCount,
      ports: one.ports,
    })),
    view: [
      shown.length === 0
        ? `No container of ${project.config.environment} is there. Start them with: portiere up`
        : {
            header: ['container', 'service', 'state', 'ports', 'image'],
            rows: shown.map((one) => [
              one.name,
              one.service,
              stateOf(one),
              portsOf(one),
              one.image.reference,
            ]),
          },
    ],
  };
}

function isJob(one: ContainerState): boolean {
  return one.labels['io.portiere.kind'] === 'job' && isOfTheStack(one);
}

/** `running (healthy)`, `exited 0`. */
export function stateOf({ state, health, exitCode, restartCount }: ContainerState): string {
  const restarts = restartCount > 0 ? `, ${restartCount} restarts` : '';
  if (state === 'exited') return `exited ${exitCode}`;
  return `${state}${health === null ? '' : ` (${health.status})`}${restarts}`;
}

function portsOf({ ports }: ContainerState): string {
  return ports.map(({ host, published, target }) => `${host}:${published}->${target}`).join(', ');
}
