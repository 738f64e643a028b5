import { PortiereError } from '../../errors.ts';
import type { Outcome, Ports } from '../../ports.ts';
import type { Stack } from '../../stack/model.ts';
import { refusesReplicas } from '../../stack/replicas.ts';
import { openProject } from '../context.ts';
import { stackOf } from '../stack.ts';
import { requireStack } from './require-stack.ts';
import { knownService } from './select.ts';
import { bringUp, type StackUpOptions } from './up.ts';

/** Sets how many containers services have, until the next `up` sets the configured numbers again. */
export async function scale(
  ports: Ports,
  options: StackUpOptions & { readonly counts: readonly string[] },
): Promise<Outcome> {
  const project = requireStack(await openProject(ports, options), 'scale');
  const stack = await stackOf(ports, project);
  const replicas = Object.fromEntries(options.counts.map((text) => countIn(stack, text)));
  const services = stack.services.filter(({ name }) => replicas[name] !== undefined);
  const outcome = await bringUp(ports, options, { project, stack, services, replicas });
  const lasting = services.filter((one) => one.replicas !== replicas[one.name]);
  return {
    ...outcome,
    view: [
      ...outcome.view,
      ...lasting.map(({ name }) => `To keep it, set services.${name}.replicas: ${replicas[name]}.`),
    ],
  };
}

function countIn(stack: Stack, text: string): readonly [string, number] {
  const [, name, count] = /^([a-z-]+)=(\d{1,3})$/.exec(text) ?? [];
  if (name === undefined || count === undefined || Number(count) > 100) {
    throw new PortiereError('USAGE', `${JSON.stringify(text)} is no service=number (0 to 100).`, {
      hint: 'Write it like: portiere scale celery-worker=3',
    });
  }
  const service = knownService(stack, name);
  const refusal = service.kind === 'job' ? 'a job runs once' : refusesReplicas(service, Number(count));
  if (refusal === undefined) return [name, Number(count)];
  throw new PortiereError('REFUSED', `${name} cannot be scaled to ${count}: ${refusal}.`, {
    hint: 'api, celery-worker, cloud and mapper can.',
  });
}
