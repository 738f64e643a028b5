import { PortiereError } from '../../errors.ts';
import type { Change } from '../../plan/converge.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { openProject, underLease } from '../context.ts';
import { stackOf } from '../stack.ts';
import { requireComposeFile } from './compose-file.ts';
import { composeFailure, settle } from './converge.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { connectEngine, namespaceOf, ownedBy } from './engine.ts';
import { requireStack } from './require-stack.ts';
import { type Selection, selectServices } from './select.ts';

/** Restarts services and waits until they are well again; jobs are left alone. */
export async function restart(
  ports: Ports,
  options: GlobalOptions & Selection & { readonly stableFor?: number },
): Promise<Outcome> {
  const project = requireStack(await openProject(ports, options), 'restart');
  const stack = await stackOf(ports, project, { certificate: 'as it is' });
  const engine = await connectEngine(ports, options);
  const running = (await engine.containers(ownedBy(project), { all: true })).filter(isOfTheStack);
  const services = selectServices(stack, options).filter(
    ({ kind, name }) => kind === 'service' && running.some(({ service }) => service === name),
  );
  if (services.length === 0) {
    throw new PortiereError('SERVER_UNREACHABLE', 'There is no container to restart.', {
      hint: 'Start them: portiere up',
    });
  }
  const names = services.map(({ name }) => name);
  if (options.dryRun === true) {
    return { data: { restart: names }, view: [`Would restart ${names.join(', ')}.`] };
  }
  await underLease(ports, project, 'restart', async () => {
    const file = await requireComposeFile(ports, project, { leased: true });
    const { time } = await engine.info();
    await ports.reporter.step(`Restart ${names.join(', ')}`, async () => {
      const { exitCode, stdout, stderr } = await engine.compose(['restart', '--no-deps', ...names], {
        file,
        project: namespaceOf(project),
        timeout: 600_000,
        signal: ports.caller.interrupted,
      });
      if (exitCode !== 0) throw composeFailure(`${stderr}\n${stdout}`, names.join(', '));
    });
    const counts = new Map<string, number>();
    for (const { service } of running) counts.set(service, (counts.get(service) ?? 0) + 1);
    await settle(ports, engine, {
      project,
      title: 'Wait until they are well again',
      timeout: options.timeout,
      expectations: services.map((service) => ({
        service: service.name,
        kind: 'service' as const,
        replicas: counts.get(service.name) ?? 0,
        hasHealthcheck: service.healthcheck !== null,
        timeout: service.startTimeout,
        since: time,
        ...(options.stableFor === undefined ? {} : { stableFor: options.stableFor }),
      })),
    });
  });
  const changes: readonly Change[] = services.map(({ name }) => ({
    service: name,
    action: 'start',
    cause: 'restarted',
    replicas: 1,
  }));
  return { data: { restarted: names, changes }, view: [`Restarted ${names.join(', ')}.`] };
}
