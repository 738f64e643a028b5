import { PortiereError } from '../../errors.ts';
import { isStack, type Project } from '../context.ts';

/** Refuses what only makes sense for an environment of containers. */
export function requireStack(project: Project, command: string): Project {
  if (isStack(project)) return project;
  const { environment } = project.config;
  throw new PortiereError(
    'ENVIRONMENT_UNSUPPORTED',
    `\`${command}\` works on containers; the environment ${environment} runs in one process.`,
    { hint: 'Name an environment that has containers: --env dev, test or prod.' },
  );
}
