import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';

import type { Change } from '../../plan/converge.ts';
import type { HostFacts } from '../../plan/preflight.ts';
import { PortiereError } from '../../errors.ts';
import type { Ports, PortState } from '../../ports.ts';
import type { ContainerState, Engine, ImageState } from '../../ports/engine.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { namespaceOf, ownedBy } from './engine.ts';
import { otherFolder, strangers } from './strangers.ts';

export interface HostQuestion {
  readonly stack: Stack;
  readonly changes: readonly Change[];
  readonly containers: readonly ContainerState[];
  readonly images: Readonly<Record<string, ImageState | undefined>>;
  /** Whether a container may be created (and removed) to look into a volume. */
  readonly mayCreate: boolean;
}

/** What preflight judges: the engine, the host where it is this machine, ports, networks, data on volumes. */
export async function hostFacts(
  ports: Ports,
  engine: Engine,
  { project, question }: { readonly project: Project; readonly question: HostQuestion },
): Promise<HostFacts> {
  const [info, composeVersion, networks] = await Promise.all([
    engine.info(),
    engine.composeVersion(),
    engine.networks(),
  ]);
  // Also where the endpoint is an address of this machine.
  const isLocal = engine.endpoint.startsWith('unix:') || info.name === os.hostname();
  return {
    isLocal,
    engine: info,
    composeVersion,
    minimum: project.config.minimum,
    freeBytes: isLocal ? await freeBytes(info.dataRoot) : undefined,
    maxMapCount: isLocal ? await maxMapCount() : undefined,
    networks,
    takenPorts: isLocal ? await takenPorts(ports, engine, question) : [],
    foreign: await strangers(engine, project, question),
    otherFolder: await otherFolder(engine, project, question.containers),
    images: question.images,
    postgresData: await postgresData(engine, project, question),
  };
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found === undefined ? undefined : found.bavail * found.bsize;
}

async function maxMapCount(): Promise<number | undefined> {
  const text = await readFile('/proc/sys/vm/max_map_count', 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : Number(text);
}

/** Ports that containers to be made want, and that neither is free nor held by the container they replace. */
async function takenPorts(
  ports: Ports,
  engine: Engine,
  { stack, changes, containers }: HostQuestion,
): Promise<HostFacts['takenPorts']> {
  const ours = new Set(containers.flatMap((one) => one.ports.map(({ published }) => published)));
  const taken: { service: string; port: number; owner: string }[] = [];
  for (const service of stack.services) {
    if (!changes.some((change) => change.service === service.name && change.action !== 'remove')) continue;
    for (const { bind, published } of service.ports) {
      if (published === null || ours.has(published)) continue;
      const state = await triedPort(ports, bind, published);
      const container = state?.free === true ? undefined : await engine.publisher(published);
      if (state === undefined ? container === undefined : state.free) continue;
      const owner =
        container === undefined ? (state?.owner ?? 'another process') : `the container ${container}`;
      taken.push({ service: service.name, port: published, owner });
    }
  }
  return taken;
}

/** Undefined where we may not try: a low port is the engine's to bind, not an ordinary user's. */
async function triedPort(ports: Ports, bind: string, port: number): Promise<PortState | undefined> {
  try {
    return await ports.processes.portOwner(bind, port);
  } catch (error) {
    if (error instanceof PortiereError && error.code === 'PERMISSION_DENIED') return undefined;
    throw error;
  }
}

/** PG_VERSION on the Postgres volume: out of the container that has it, else one that is made to look and never started. */
async function postgresData(
  engine: Engine,
  project: Project,
  { stack, containers, images, mayCreate }: HostQuestion,
): Promise<string | undefined> {
  const service = stack.services.find(({ name }) => name === 'postgres');
  const mount = service?.mounts.find((one) => one.kind === 'volume');
  if (service === undefined || mount?.kind !== 'volume') return undefined;
  const volume = `${namespaceOf(project)}_${mount.volume}`;
  if (stack.volumes.find(({ name }) => name === mount.volume)?.memory) return undefined;
  const owned = ownedBy(project);
  if (!(await engine.volumes(owned)).some(({ name }) => name === volume)) return undefined;
  const holder = containers.find(({ mounts }) => mounts.some(({ source }) => source === volume));
  if (holder !== undefined) {
    const target = holder.mounts.find(({ source }) => source === volume)?.target ?? mount.target;
    return await versionIn(engine, holder.id, target);
  }
  if (!mayCreate || images[service.image.reference] === undefined) return undefined;
  const reader = await engine.createReader({
    image: service.image.reference,
    // Should we be killed now, the next `up` or `down` takes it for an orphan.
    labels: {
      'io.portiere.project': owned.project,
      'io.portiere.environment': owned.environment,
      'io.portiere.service': 'reader',
    },
    volumes: [{ name: volume, target: mount.target }],
  });
  try {
    return await versionIn(engine, reader, mount.target);
  } finally {
    await engine.removeContainer(reader);
  }
}

async function versionIn(engine: Engine, container: string, target: string): Promise<string | undefined> {
  for (const place of ['', '/data', '/18/docker', '/19/docker']) {
    const file = await engine.readFile(container, `${target}${place}/PG_VERSION`);
    if (file !== undefined) return file.toString('utf8').trim();
  }
  return undefined;
}
