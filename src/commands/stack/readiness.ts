import type { ComponentHealth } from '../../plan/health.ts';
import type { ContainerState, Engine } from '../../ports/engine.ts';
import type { Stack } from '../../stack/model.ts';

export interface StackReadiness {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly cause: string;
  readonly build: string | null;
  /** Of the download that the build was made of. */
  readonly stamp: string | null;
  readonly components: readonly ComponentHealth[];
}

/**
 * `/health/ready` of the search API, asked from inside its own container: no port has to be open for it. Of somebody
 * else's image nothing is known but its healthcheck. Null where the stack has no api to ask.
 */
export async function readiness(
  engine: Engine,
  stack: Stack,
  containers: readonly ContainerState[],
): Promise<StackReadiness | null> {
  const service = stack.services.find(({ name }) => name === 'api');
  if (service === undefined) return null;
  const api = containers.find(({ service, state }) => service === 'api' && state === 'running');
  const down = (cause: string): StackReadiness => ({
    status: 'down',
    cause,
    build: null,
    stamp: null,
    components: [],
  });
  if (api === undefined) return down('no container of api is running');
  if (service.image.build?.context.kind !== 'rendered') {
    const well = (api.health?.status ?? 'healthy') === 'healthy';
    return well
      ? { status: 'ok', cause: '', build: null, stamp: null, components: [] }
      : down('its healthcheck does not pass');
  }
  const url = 'http://127.0.0.1:8000/health/ready';
  const { stdout, stderr } = await engine.exec(api.id, ['node', '/opt/portiere/probe.mjs', '--json', url], {
    timeout: 10_000,
  });
  const body = parsed(stdout);
  if (body?.status === undefined) return down(stderr.trim() || stdout.trim() || 'it did not answer');
  const components = body.components ?? [];
  const bad =
    components.find(({ state }) => state === 'down') ?? components.find(({ state }) => state !== 'ok');
  return {
    status: body.status,
    cause: bad === undefined ? '' : `${bad.name} is ${bad.state}${bad.detail ? `: ${bad.detail}` : ''}`,
    build: body.build ?? null,
    stamp: body.vocabulary_stamp ?? null,
    components: components.map((one) => ({ ...one, detail: one.detail ?? '' })),
  };
}

interface Body {
  readonly status?: StackReadiness['status'];
  readonly build?: string | null;
  readonly vocabulary_stamp?: string | null;
  readonly components?: readonly (Omit<ComponentHealth, 'detail'> & { readonly detail?: string })[];
}

function parsed(text: string): Body | undefined {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return undefined;
  }
}
