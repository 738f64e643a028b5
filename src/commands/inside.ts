import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { hasJobsInside, type Project } from './context.ts';
import type { JobRequest } from './stack/job.ts';

/** Runs a command in a container of the stack where its data is there alone; undefined: it is to be run here. */
export async function insideStack(
  ports: Ports,
  options: GlobalOptions,
  { project, request }: { readonly project: Project; readonly request: JobRequest },
): Promise<Outcome | undefined> {
  if (!hasJobsInside(project)) return undefined;
  return await (await import('./stack/job.ts')).runInStack(ports, options, { project, request });
}
