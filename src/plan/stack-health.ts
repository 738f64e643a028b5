import type { ContainerState } from '../ports/engine.ts';
import type { Service, Stack } from '../stack/model.ts';
import type { ComponentHealth, Verdict } from './health.ts';
import { mayLackMemory } from './wait-memory.ts';

interface Ready {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly cause: string;
  readonly components: readonly ComponentHealth[];
}

/** Without these the API answers worse, not at all without the others. */
const spare = new Set(['redis', 'celery-worker', 'celery-beat', 'cloud', 'mapper']);

/** Judges a stack: its containers in the order they depend on each other, then what the search API says itself. */
export function judgeStack(
  stack: Stack,
  containers: readonly ContainerState[],
  ready: Ready | null,
): Verdict {
  const services = stack.services.filter((one) => one.profiles.length === 0 || isThere(one, containers));
  const components = [
    ...services.flatMap((one) => componentOf(one, containers)),
    ...(ready?.components ?? []).map((one) => ({ ...one, name: `api/${one.name}` })),
  ];
  if (containers.length === 0) {
    return { status: 'down', cause: 'The stack is not running.', hint: 'portiere up', components };
  }
  const first =
    components.find(({ state }) => state === 'down') ?? components.find(({ state }) => state !== 'ok');
  const api = ready === null && services.some(({ name }) => name === 'api');
  const status = worst(components, api ? 'down' : (ready?.status ?? 'ok'));
  if (status === 'ok') return { status, cause: '', hint: '', components };
  const cause =
    first === undefined
      ? (ready?.cause ?? 'The search API does not answer.')
      : `${first.name}: ${first.detail}`;
  const service = first?.name.split('/')[0] ?? 'api';
  return { status, cause, hint: hintFor(first, service), components };
}

function isThere({ name }: Service, containers: readonly ContainerState[]): boolean {
  return containers.some(({ service }) => service === name);
}

function componentOf(service: Service, containers: readonly ContainerState[]): readonly ComponentHealth[] {
  const mine = containers.filter((one) => one.service === service.name);
  const one = (state: ComponentHealth['state'], detail: string): ComponentHealth[] => [
    { name: service.name, state, latency_ms: latencyOf(mine[0]), detail },
  ];
  const bad = spare.has(service.name) ? 'degraded' : 'down';
  if (service.kind === 'job') {
    const last = mine.toSorted((a, b) => b.createdAt - a.createdAt)[0];
    if (last === undefined || last.state === 'running') return [];
    if (last.state !== 'exited') return one(bad, `it is ${last.state} and has not run`);
    return last.exitCode === 0 ? one('ok', 'done') : one(bad, `failed with exit code ${last.exitCode}`);
  }
  if (service.replicas === 0 && mine.length === 0) return [];
  const well = mine.filter(
    ({ state, health }) => state === 'running' && (health?.status ?? 'healthy') === 'healthy',
  );
  if (mine.length === 0) return one(bad, 'there is no container of it');
  const sick = mine.find((container) => !well.includes(container));
  if (sick === undefined && mine.length < service.replicas) {
    return one('degraded', `${mine.length} of ${service.replicas} running`);
  }
  if (sick === undefined) return one('ok', mine.length === 1 ? 'running' : `${mine.length} running`);
  const words = sickWords(sick);
  return well.length > 0
    ? one('degraded', `${well.length} of ${mine.length} well; one is ${words}`)
    : one(sick.health?.status === 'starting' ? 'degraded' : bad, words);
}

function sickWords(container: ContainerState): string {
  const { state, health, exitCode, oomKilled, restartCount, error } = container;
  if (error !== '') return `not started: ${error}`;
  if (oomKilled) return 'killed for want of memory';
  if (state === 'exited') return `stopped (exit code ${exitCode})`;
  if (state === 'restarting') {
    // Nobody's stop, as the engine starts it again.
    const why = mayLackMemory(container) ? ', perhaps for want of memory' : '';
    return `restarting again and again (${restartCount} times, exit code ${exitCode}${why})`;
  }
  const output = health?.log.at(-1)?.output.trim().split('\n').at(-1) ?? '';
  if (health !== null && health.status !== 'healthy')
    return `${health.status}${output === '' ? '' : `: ${output}`}`;
  return state;
}

function latencyOf(container: ContainerState | undefined): number | null {
  const last = container?.health?.log.at(-1);
  return last === undefined ? null : Math.max(0, last.end - last.start);
}

function worst(components: readonly ComponentHealth[], own: Verdict['status']): Verdict['status'] {
  const states = new Set([...components.map(({ state }) => state), own]);
  return states.has('down') ? 'down' : states.has('degraded') ? 'degraded' : 'ok';
}

function hintFor(first: ComponentHealth | undefined, service: string): string {
  const raise = `services.${service}.resources.memory, then: portiere up`;
  if (first?.detail.includes('perhaps for want of memory'))
    return `portiere logs ${service}. If they say nothing, raise ${raise}`;
  if (first?.detail.includes('memory')) return `Raise ${raise}`;
  if (first?.detail.startsWith('stopped') || first?.detail.startsWith('there is no')) return 'portiere up';
  return `portiere logs ${service}`;
}
