import type { ContainerState, Engine } from '../../ports/engine.ts';
import type { Project } from '../context.ts';
import { composeFile, namespaceOf } from './engine.ts';

/**
 * Lets what is paused among some containers go on: the engine does not start it, and stops it only after its whole
 * grace. Compose goes by service, so where only some containers of one are paused, it may leave the others so.
 */
export async function unpause(
  engine: Engine,
  project: Project,
  containers: readonly ContainerState[],
): Promise<void> {
  const paused = containers.filter(({ state }) => state === 'paused').map(({ service }) => service);
  if (paused.length === 0) return;
  await engine.compose(['--profile', '*', 'unpause', ...new Set(paused)], {
    file: composeFile(project),
    project: namespaceOf(project),
    timeout: 60_000,
  });
}
