import { realpath } from 'node:fs/promises';

import type { Change } from '../../plan/converge.ts';
import type { ContainerState, Engine } from '../../ports/engine.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { ownedBy, renderFolder } from './engine.ts';

/**
 * What is on the engine under names that the stack would use and is not ours: Compose goes by names and by its own
 * project, and would make containers of somebody else anew. In words: `the volume demo-dev_redis-data`.
 */
export async function strangers(
  engine: Engine,
  project: Project,
  { stack, changes, containers }: Planned,
): Promise<readonly string[]> {
  const owned = ownedBy(project);
  const isOurs = (labels: Readonly<Record<string, string>>): boolean =>
    labels['io.portiere.project'] === owned.project &&
    labels['io.portiere.environment'] === owned.environment;
  const known = new Set(containers.map(({ name }) => name));
  const names = changes
    .filter(({ action }) => ['create', 'run', 'scale'].includes(action))
    .flatMap(({ service, replicas }) =>
      Array.from({ length: replicas }, (_, place) => `${stack.namespace}-${service}-${place + 1}`),
    )
    .filter((name) => !known.has(name));
  const [volumes, networks, ...found] = await Promise.all([
    engine.volumes(),
    engine.networks(),
    ...names.map(async (name) => await engine.container(name)),
  ]);
  const full = new Set([...stack.volumes, ...stack.networks].map(({ name }) => `${stack.namespace}_${name}`));
  const taken = (kind: string, things: readonly Thing[]): string[] =>
    things.filter(({ labels }) => !isOurs(labels)).map(({ name }) => `the ${kind} ${name}`);
  return [
    ...taken(
      'container',
      found.filter((one) => one !== undefined),
    ),
    ...taken(
      'volume',
      volumes.filter(({ name }) => full.has(name)),
    ),
    ...taken(
      'network',
      networks.filter(({ name }) => full.has(name)),
    ),
  ];
}

interface Planned {
  readonly stack: Stack;
  readonly changes: readonly Change[];
  readonly containers: readonly ContainerState[];
}

interface Thing {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Compose's own label for the folder of the file that a container was made from. */
const folderLabel = 'com.docker.compose.project.working_dir';

/**
 * The folder that containers of this environment were made from where it is another one than ours and still there:
 * a second checkout of one project. Undefined where there is none, or the engine is on another machine.
 */
export async function otherFolder(
  engine: Engine,
  project: Project,
  containers: readonly ContainerState[],
): Promise<string | undefined> {
  if (!engine.endpoint.startsWith('unix:')) return undefined;
  const own = await realFolder(renderFolder(project));
  for (const folder of new Set(containers.map(({ labels }) => labels[folderLabel]))) {
    if (folder === undefined || folder === renderFolder(project)) continue;
    const real = await realFolder(folder);
    if (real !== undefined && real !== own) return folder;
  }
  return undefined;
}

async function realFolder(folder: string): Promise<string | undefined> {
  return await realpath(folder).catch(() => undefined);
}
