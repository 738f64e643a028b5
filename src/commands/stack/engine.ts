import path from 'node:path';

import type { GlobalOptions, Ports } from '../../ports.ts';
import type { Engine, Owned } from '../../ports/engine.ts';
import type { Project } from '../context.ts';

const greeting = 3_000;

/** The engine that `--context`, DOCKER_HOST or the current context names; ENGINE_UNREACHABLE within 3 s. */
export async function connectEngine(ports: Ports, options: GlobalOptions): Promise<Engine> {
  return await ports.engines.connect({
    timeout: greeting,
    ...(options.context === undefined ? {} : { context: options.context }),
  });
}

/** The labels of everything that belongs to an environment. */
export function ownedBy({ config }: Project): Owned {
  return { project: config.name, environment: config.environment };
}

/** `<project>-<environment>`: Compose's name for the environment. */
export function namespaceOf({ config }: Project): string {
  return `${config.name}-${config.environment}`;
}

/** The folder that the environment's files are rendered into. */
export function renderFolder({ root, config }: Project): string {
  return path.join(root, '.portiere', 'render', config.environment);
}

/** The rendered Compose file. */
export function composeFile(project: Project): string {
  return path.join(renderFolder(project), 'compose.yaml');
}
