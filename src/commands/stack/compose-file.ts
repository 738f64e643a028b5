import type { Ports } from '../../ports.ts';
import type { Project } from '../context.ts';
import { writeRendered } from '../render.ts';
import { stackOf } from '../stack.ts';
import { composeFile, renderFolder } from './engine.ts';

/** The rendered Compose file as `up` left it; rendered now where there is none. */
export async function requireComposeFile(ports: Ports, project: Project): Promise<string> {
  const file = composeFile(project);
  if (!(await ports.files.exists(file))) {
    const stack = await stackOf(ports, project);
    await writeRendered(ports, stack, { folder: renderFolder(project), force: false });
  }
  return file;
}
