import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Service } from '../../stack/model.ts';
import { openProject, type Project, underLease } from '../context.ts';
import { writeRendered } from '../render.ts';
import { stackOf } from '../stack.ts';
import { composeFile, connectEngine, namespaceOf, renderFolder } from './engine.ts';
import { buildImage, planImages, pullImage } from './images.ts';
import { requireStack } from './require-stack.ts';
import { type Selection, selectServices } from './select.ts';

type ImageOptions = GlobalOptions & Selection & { readonly noCache?: boolean; readonly force?: boolean };

/** Builds the images of services that have a build. */
export async function build(ports: Ports, options: ImageOptions): Promise<Outcome> {
  return await withImages(ports, options, {
    verb: 'build',
    pick: ({ image }) => image.build !== null,
    work: async (engine, project, service) => {
      await buildImage(ports, engine, { project, service, fresh: options.noCache === true });
    },
  });
}

/** Pulls the images of services that have none to build. */
export async function pull(ports: Ports, options: ImageOptions): Promise<Outcome> {
  return await withImages(ports, options, {
    verb: 'pull',
    pick: ({ image }) => image.build === null,
    work: async (engine, project, service) => {
      await pullImage(ports, engine, { project, service });
    },
  });
}

/** Pushes built images to the registry that their references name. */
export async function push(ports: Ports, options: ImageOptions): Promise<Outcome> {
  return await withImages(ports, options, {
    verb: 'push',
    pick: ({ image }) => image.build !== null,
    work: async (engine, project, { name, image }) => {
      await ports.reporter.step(`Push ${image.reference} (${name})`, async () => {
        const { exitCode, stderr } = await engine.compose(['push', '--quiet', name], {
          file: composeFile(project),
          project: namespaceOf(project),
          timeout: 3_600_000,
          signal: ports.caller.interrupted,
        });
        if (exitCode === 0) return;
        throw new PortiereError('IMAGE_UNAVAILABLE', `${image.reference} was not pushed: ${stderr.trim()}`, {
          hint: 'Name a registry you are logged in to: services.<name>.image.',
        });
      });
    },
  });
}

interface Verb {
  readonly verb: string;
  readonly pick: (service: Service) => boolean;
  readonly work: (engine: Engine, project: Project, service: Service) => Promise<void>;
}

async function withImages(ports: Ports, options: ImageOptions, { verb, pick, work }: Verb): Promise<Outcome> {
  const project = requireStack(await openProject(ports, options), verb);
  const stack = await stackOf(ports, project);
  // Several services may run one image: it is handled once.
  const services = planImages(selectServices(stack, options), () => false);
  const chosen = [...services.build, ...services.pull].filter(pick);
  const references = chosen.map(({ image }) => image.reference);
  if (options.dryRun === true || chosen.length === 0) {
    const view =
      chosen.length === 0 ? `There is no image to ${verb}.` : `Would ${verb} ${references.join(', ')}.`;
    return { data: { images: references }, view: [view] };
  }
  const engine = await connectEngine(ports, options);
  await underLease(ports, project, verb, async () => {
    await writeRendered(ports, stack, { folder: renderFolder(project), force: options.force === true });
    for (const service of chosen) await work(engine, project, service);
  });
  return { data: { images: references }, view: [`${verb}: ${references.join(', ')}`] };
}
