import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Project, underLease } from '../context.ts';
import { requireComposeFile } from './compose-file.ts';
import { connectEngine, namespaceOf, ownedBy } from './engine.ts';
import { unpause } from './unpause.ts';

export interface DownOptions extends GlobalOptions {
  readonly volumes?: boolean;
  /** The project's name, as typed on the command line in place of a person. */
  readonly confirm?: string;
}

/** Stops and removes the containers and networks of one environment; its volumes stay unless they are asked for. */
export async function downStack(ports: Ports, options: DownOptions, project: Project): Promise<Outcome> {
  const engine = await connectEngine(ports, options);
  const owned = ownedBy(project);
  const containers = await engine.containers(owned, { all: true });
  const volumes = options.volumes === true ? await engine.volumes(owned) : [];
  if (options.dryRun === true) {
    const rows = [
      ...containers.map(({ name, state }) => ['remove container', name, state]),
      ...volumes.map(({ name }) => ['remove volume', name, 'its data is gone for good']),
    ];
    return {
      data: { remove: containers.map(({ name }) => name), volumes: volumes.map(({ name }) => name) },
      view: [rows.length === 0 ? 'Nothing is there.' : { header: ['would', 'what', ''], rows }],
    };
  }
  if (volumes.length > 0)
    await confirmLoss(ports, options, { project, volumes: volumes.map(({ name }) => name) });
  await underLease(ports, project, 'down', async () => {
    await ports.reporter.step(`Stop and remove ${containers.length} containers`, async () => {
      await unpause(engine, project, containers);
      await takeDown(ports, engine, { project, volumes: options.volumes === true });
      // What Compose does not know: services of an earlier configuration, a reader that a kill left.
      for (const { id } of await engine.containers(owned, { all: true })) await engine.removeContainer(id);
      if (options.volumes === true) {
        for (const { name } of await engine.volumes(owned)) await engine.removeVolume(name);
      }
    });
  });
  const left = await engine.volumes(owned);
  const gone = volumes.filter(({ name }) => left.every((one) => one.name !== name));
  return {
    data: {
      removed: containers.map(({ name }) => name),
      volumes_removed: gone.map(({ name }) => name),
      volumes_kept: left.map(({ name }) => name),
    },
    view: [
      `${project.config.name}, environment ${project.config.environment}, is down: ${containers.length} containers removed.` +
        (left.length === 0 ? '' : `\nThe data stays in ${left.map(({ name }) => name).join(', ')}.`),
    ],
  };
}

async function takeDown(
  ports: Ports,
  engine: Engine,
  { project, volumes }: { readonly project: Project; readonly volumes: boolean },
): Promise<void> {
  const file = await requireComposeFile(ports, project, { leased: true });
  const { exitCode, stderr } = await engine.compose(
    ['--profile', '*', 'down', '--remove-orphans', ...(volumes ? ['--volumes'] : [])],
    { file, project: namespaceOf(project), timeout: 600_000, signal: ports.caller.interrupted },
  );
  if (exitCode !== 0) {
    throw new PortiereError(
      'ENGINE_FAILED',
      `docker compose down failed: ${stderr.trim().split('\n').at(-1) ?? ''}`,
      {
        hint: 'Run the same command again; what is removed already stays so.',
      },
    );
  }
}

/** Loss of data is never implied: the project's name is typed, or given with --confirm; --yes is enough outside prod. */
async function confirmLoss(
  ports: Ports,
  options: DownOptions,
  { project, volumes }: { readonly project: Project; readonly volumes: readonly string[] },
): Promise<void> {
  const { name, base, environment } = project.config;
  if (options.confirm === name) return;
  if (base !== 'prod' && options.yes === true && options.confirm === undefined) return;
  const what = `This removes the data of ${name}, environment ${environment}, for good: ${volumes.join(', ')}.`;
  if (ports.caller.interactive && options.confirm === undefined) {
    const typed = await ports.prompt.text(`${what}\nType the project's name to go on`, '');
    if (typed === name) return;
  }
  throw new PortiereError('REFUSED', `${what} It was not confirmed.`, {
    hint: `Confirm it with: --confirm ${name}. Nothing was removed.`,
  });
}
