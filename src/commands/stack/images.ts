import { access } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Service } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { composeFile, namespaceOf, renderFolder } from './engine.ts';

const hour = 3_600_000;

/** What has to be done to have every image of some services. */
export interface ImagePlan {
  readonly build: readonly Service[];
  readonly pull: readonly Service[];
}

/** Images that the engine lacks: those with a build are built, the others pulled; one service for each image. */
export function planImages(services: readonly Service[], has: (reference: string) => boolean): ImagePlan {
  const missing = services.filter(
    ({ image }, place) =>
      !has(image.reference) && services.findIndex((one) => one.image.reference === image.reference) === place,
  );
  return {
    build: missing.filter(({ image }) => image.build !== null),
    pull: missing.filter(({ image }) => image.build === null),
  };
}

/** Builds and pulls; an image that cannot be had is named with its service, and nothing else was touched. */
export async function fetchImages(
  ports: Ports,
  engine: Engine,
  {
    project,
    plan,
    left = () => undefined,
  }: {
    readonly project: Project;
    readonly plan: ImagePlan;
    /** Seconds for what is still to come. */
    readonly left?: () => number | undefined;
  },
): Promise<void> {
  for (const service of plan.pull) await pullImage(ports, engine, { project, service, timeout: left() });
  for (const service of plan.build) await buildImage(ports, engine, { project, service, timeout: left() });
}

interface Fetch {
  readonly project: Project;
  readonly service: Service;
  /** Seconds; undefined: an hour, downloads may be slow. */
  readonly timeout?: number | undefined;
}

export async function pullImage(
  ports: Ports,
  engine: Engine,
  { project, service, timeout }: Fetch,
): Promise<void> {
  const { reference } = service.image;
  await ports.reporter.step(`Pull ${reference} (${service.name})`, async (progress) => {
    const { exitCode, stdout, stderr } = await engine.compose(['pull', '--quiet', service.name], {
      ...target(ports, project, timeout),
      onLine: (line) => {
        progress.say(line);
      },
    });
    if (exitCode === 0) return;
    throw new PortiereError(
      'IMAGE_UNAVAILABLE',
      `${service.name}: the image ${reference} is not here and cannot be pulled: ${lastLine(stderr, stdout)}`,
      {
        hint: `Check the name and the registry, load it with docker load, or set services.${service.name}.image.`,
      },
    );
  });
}

export async function buildImage(
  ports: Ports,
  engine: Engine,
  { project, service, timeout, fresh = false }: Fetch & { readonly fresh?: boolean },
): Promise<void> {
  const { image } = service;
  await ports.reporter.step(`Build ${image.reference} (${service.name})`, async (progress) => {
    if (image.build?.context.kind === 'rendered')
      await packInto(ports, path.join(renderFolder(project), 'build', 'api'));
    if (image.build?.context.kind === 'folder') await requireContext(service.name, image.build.context.path);
    const lines: string[] = [];
    const { exitCode } = await engine.compose(
      ['--progress', 'plain', 'build', ...(fresh ? ['--no-cache'] : []), service.name],
      {
        ...target(ports, project, timeout),
        onLine: (line) => {
          lines.push(line);
          // Its steps; what each of them prints is shown where it fails.
          if (/^#\d+ \[[^\]]*\d\/\d\]/.test(line)) progress.say(line);
        },
      },
    );
    if (exitCode === 0) return;
    throw new PortiereError(
      'BUILD_FAILED',
      `${service.name}: the image ${image.reference} could not be built. The last lines:\n${lines.slice(-20).join('\n')}`,
      { hint: 'Behind a company proxy, set BUILD_CA_FILE to its CA bundle; nothing else was touched.' },
    );
  });
}

function target(
  ports: Ports,
  project: Project,
  timeout: number | undefined,
): { file: string; project: string; timeout: number; signal: AbortSignal } {
  return {
    file: composeFile(project),
    project: namespaceOf(project),
    timeout: timeout === undefined ? hour : Math.max(1, Math.ceil(timeout * 1000)),
    signal: ports.caller.interrupted,
  };
}

/** Puts this installation, as npm packs it, into the build context of the api image. */
async function packInto(ports: Ports, folder: string): Promise<void> {
  await ports.files.makeFolder(folder);
  await ports.packages.pack(path.join(folder, 'portiere.tgz'));
}

async function requireContext(name: string, folder: string): Promise<void> {
  try {
    await access(folder);
  } catch {
    throw new PortiereError(
      'CONFIG_INVALID',
      `services.${name}.build.context names ${folder}, which is not there.`,
      {
        hint: 'Paths in the config resolve against its folder.',
      },
    );
  }
}

function lastLine(...texts: readonly string[]): string {
  const lines = texts.flatMap((text) => text.trim().split('\n')).filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? 'no reason given';
}
