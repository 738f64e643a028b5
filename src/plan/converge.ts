import type { ServiceName } from '../config/services.ts';
import type { ContainerState, NetworkState, VolumeState } from '../ports/engine.ts';
import type { Service, Stack } from '../stack/model.ts';
import { isOfTheStack } from './one-off.ts';

/** A service as it is to be, with the digests of what its containers depend on. */
export interface Desired {
  readonly service: Service;
  /** Field (`image`, `env.LOG_LEVEL`, `secret DB_PASSWORD`) to digest. */
  readonly fields: Readonly<Record<string, string>>;
  readonly hash: string;
  /** Containers wanted; the configured number unless something else was asked for. */
  readonly replicas: number;
}

export interface Observed {
  readonly containers: readonly ContainerState[];
  readonly volumes: readonly VolumeState[];
  readonly networks: readonly NetworkState[];
  /** Image id by reference, of the images that the engine has. */
  readonly imageIds: Readonly<Record<string, string>>;
}

/** One thing that will happen to the containers of a service, and why. */
export interface Change {
  readonly service: string;
  readonly action: 'create' | 'recreate' | 'start' | 'scale' | 'run' | 'remove';
  readonly cause: string;
  /** How many containers there will be. */
  readonly replicas: number;
}

/** Decides what happens to the containers of a stack; nothing where they are as they should be. */
export function planConvergence(
  { stack, desired }: { readonly stack: Stack; readonly desired: readonly Desired[] },
  observed: Observed,
  changedFields: (before: Fields, after: Fields) => readonly string[],
): readonly Change[] {
  const changes: Change[] = [];
  for (const one of desired) {
    const there = observed.containers.filter(({ service }) => service === one.service.name);
    const earlier = changes.filter(({ service }) =>
      one.service.dependsOn.some((dependency) => dependency.service === service),
    );
    const change =
      one.service.kind === 'job'
        ? planJob(one, there, { stack, observed, earlier, changedFields })
        : planService(one, there, { stack, observed, changedFields });
    if (change !== null) changes.push({ service: one.service.name, ...change });
  }
  return changes;
}

type Fields = Readonly<Record<string, string>>;
type Decision = Omit<Change, 'service'> | null;

/** Containers of this environment whose service is no part of the stack any more. */
export function orphans(
  known: readonly ServiceName[],
  containers: readonly ContainerState[],
): readonly ContainerState[] {
  return containers.filter((one) => !(known as readonly string[]).includes(one.service) && isOfTheStack(one));
}

function planService(
  { service, fields, hash, replicas }: Desired,
  all: readonly ContainerState[],
  { stack, observed, changedFields }: Pick<Context, 'stack' | 'observed' | 'changedFields'>,
): Decision {
  const there = all.filter(isOfTheStack);
  if (there.length === 0) {
    return replicas === 0 ? null : { action: 'create', cause: 'it is not there', replicas };
  }
  const stale = there.find(({ labels }) => labels[hashLabel] !== hash);
  if (stale !== undefined) {
    return { action: 'recreate', cause: changedWords(stale, fields, changedFields), replicas };
  }
  const image = observed.imageIds[service.image.reference];
  if (image !== undefined && there.some((container) => container.image.id !== image)) {
    return { action: 'recreate', cause: `${service.image.reference} is another image now`, replicas };
  }
  const cut = lostNetwork(service, there, { stack, observed });
  if (cut !== undefined) return { action: 'recreate', cause: cut, replicas };
  if (there.length !== replicas) {
    return { action: 'scale', cause: `${there.length} of it, ${replicas} wanted`, replicas };
  }
  const down = there.find(({ state }) => state !== 'running' && state !== 'restarting');
  return down === undefined ? null : { action: 'start', cause: whyDown(down), replicas };
}

interface Context {
  readonly stack: Stack;
  readonly observed: Observed;
  readonly earlier: readonly Change[];
  readonly changedFields: (before: Fields, after: Fields) => readonly string[];
}

/** A network that a container was cut off from, or that was removed and made anew while it was stopped. */
function lostNetwork(
  service: Service,
  there: readonly ContainerState[],
  { stack, observed }: Pick<Context, 'stack' | 'observed'>,
): string | undefined {
  for (const name of service.networks) {
    const full = `${stack.namespace}_${name}`;
    const network = observed.networks.find((one) => one.name === full);
    for (const { networks } of there) {
      const joined = networks.find((one) => one.name === full);
      if (joined === undefined) return `it is not on the network ${name}`;
      if (joined.id !== '' && joined.id !== network?.id) return `its network ${name} was removed`;
    }
  }
  return undefined;
}

/** A job that succeeded with the same inputs on the same data is not run again. */
function planJob(
  { service, fields, hash }: Desired,
  there: readonly ContainerState[],
  context: Context,
): Decision {
  const run = (cause: string): Decision => ({ action: 'run', cause, replicas: 1 });
  const last = there.filter(isOfTheStack).toSorted((a, b) => b.createdAt - a.createdAt)[0];
  if (last === undefined) return run('it has not run yet');
  if (last.labels[hashLabel] !== hash) return run(changedWords(last, fields, context.changedFields));
  const image = context.observed.imageIds[service.image.reference];
  if (image !== undefined && last.image.id !== image)
    return run(`${service.image.reference} is another image now`);
  if (last.state === 'running') return run('it is running already');
  if (last.state !== 'exited') return run(`it is ${last.state}`);
  if (last.exitCode !== 0) return run(`it failed with exit code ${last.exitCode}`);
  const before = context.earlier.find(({ action }) => action === 'run');
  if (before !== undefined) return run(`${before.service} runs again`);
  const data = lostData(service, last.finishedAt ?? 0, context);
  return data === undefined ? null : run(data);
}

/** Data that the job did not work on: a volume that is gone, or one in memory whose service was started again. */
function lostData(service: Service, finishedAt: number, { stack, observed }: Context): string | undefined {
  const used = new Set([service.name, ...service.dependsOn.map((dependency) => dependency.service)]);
  for (const { name, mounts } of stack.services.filter((one) => used.has(one.name))) {
    for (const mount of mounts) {
      if (mount.kind !== 'volume') continue;
      const volume = observed.volumes.find((one) => one.name === `${stack.namespace}_${mount.volume}`);
      // How old a volume is cannot be told: what the engine gives is the time of its folder.
      if (volume === undefined) return `the volume ${mount.volume} is gone`;
      const inMemory = stack.volumes.find((one) => one.name === mount.volume)?.memory;
      const started = observed.containers.find((container) => container.service === name)?.startedAt ?? 0;
      if (inMemory && name !== service.name && started > finishedAt) {
        return `${name} was started again with an empty memory`;
      }
    }
  }
  return undefined;
}

const hashLabel = 'io.portiere.config';
const fieldsLabel = 'io.portiere.fields';

function changedWords(
  container: ContainerState,
  fields: Fields,
  changedFields: Context['changedFields'],
): string {
  const before = fieldsIn(container.labels[fieldsLabel]);
  if (before === undefined) return 'it was made by another version of portiere';
  const words = changedFields(before, fields);
  if (words.length === 0) return 'it was made by another version of portiere';
  const shown = words.slice(0, 4).join(', ');
  return `changed: ${shown}${words.length > 4 ? ` and ${words.length - 4} more` : ''}`;
}

function fieldsIn(label: string | undefined): Fields | undefined {
  try {
    const read: unknown = JSON.parse(label ?? '');
    return typeof read === 'object' && read !== null ? (read as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function whyDown({ state, exitCode, oomKilled, error }: ContainerState): string {
  if (error !== '') return `it could not be started: ${error}`;
  if (oomKilled) return 'it was killed for want of memory';
  return state === 'exited' ? `it is stopped (exit code ${exitCode})` : `it is ${state}`;
}
