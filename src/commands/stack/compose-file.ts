import type { Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Service } from '../../stack/model.ts';
import { type Project, underLease } from '../context.ts';
import { writeRendered } from '../render.ts';
import { stackOf } from '../stack.ts';
import { composeFile, renderFolder } from './engine.ts';
import { fetchImages, planImages } from './images.ts';

/** The rendered Compose file as `up` left it; rendered now, under the environment's lease, where there is none. */
export async function requireComposeFile(
  ports: Ports,
  project: Project,
  { leased = false }: { readonly leased?: boolean } = {},
): Promise<string> {
  const file = composeFile(project);
  if (await ports.files.exists(file)) return file;
  const stack = await stackOf(ports, project);
  const render = async (): Promise<void> => {
    await writeRendered(ports, stack, { folder: renderFolder(project), force: false });
  };
  if (leased) await render();
  else await underLease(ports, project, 'render', render);
  return file;
}

/**
 * What running a program in a container of a service needs. A file that is there is taken as it is: writing it anew
 * would change what running containers have mounted.
 */
export async function requireRendered(
  ports: Ports,
  engine: Engine,
  {
    project,
    service,
    leased,
  }: { readonly project: Project; readonly service: Service; readonly leased?: boolean },
): Promise<void> {
  if (await ports.files.exists(composeFile(project))) return;
  await requireComposeFile(ports, project, { leased: leased === true });
  const has = (await engine.image(service.image.reference)) !== undefined;
  await fetchImages(ports, engine, { project, plan: planImages([service], () => has) });
}
