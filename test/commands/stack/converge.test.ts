import { describe, expect, it } from 'vitest';

import type { Project } from '../../../src/commands/context.ts';
import { composeFailure, converge } from '../../../src/commands/stack/converge.ts';
import type { Change } from '../../../src/plan/converge.ts';
import type { ContainerState, Engine } from '../../../src/ports/engine.ts';
import { container } from '../../support/containers.ts';
import { fakePorts } from '../../support/ports.ts';
import { builtStack } from '../../support/stack.ts';

const { stack } = builtStack({ environment: 'dev' });
const project = { root: '/srv/demo', config: { name: 'demo', environment: 'dev' } } as Project;
const [postgres, redis] = stack.services;

const change = (service: string, action: Change['action']): Change => ({
  service,
  action,
  cause: 'test',
  replicas: 1,
});

/** What Compose is called with, and what is removed, where these containers are there and these changes planned. */
async function performed(
  changes: readonly Change[],
  before: readonly ContainerState[],
): Promise<readonly string[]> {
  const done: string[] = [];
  const well = (service: string): ContainerState =>
    container({ id: service, service, startedAt: 5, createdAt: 5 });
  const engine = {
    info: async () => ({ time: 5 }),
    containers: async () => [well('postgres'), well('redis')],
    async compose(args: readonly string[]) {
      done.push(
        args
          .filter((word) => !['--detach', '--no-deps', '--no-build', '--pull', 'never'].includes(word))
          .join(' '),
      );
      return { exitCode: 0, stdout: '', stderr: '' };
    },
    stopContainer: async (id: string) => done.push(`stop ${id}`),
    removeContainer: async (id: string) => done.push(`rm ${id}`),
    exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
  } as unknown as Engine;
  // A healthcheck would have to be played through: what is done does not depend on it.
  const services = [postgres, redis].flatMap((one) =>
    one === undefined ? [] : [{ ...one, healthcheck: null }],
  );
  const work = {
    project,
    stack,
    services,
    changes,
    containers: before,
    replicas: {},
    timeout: undefined,
    stableFor: 0,
  };
  await converge(fakePorts(), engine, work);
  return done;
}

describe('converging', () => {
  it('makes anew by force, apart from what is only made or started', async () => {
    const done = await performed([change('postgres', 'recreate'), change('redis', 'create')], []);
    expect(done).toEqual(['up --force-recreate --scale postgres=1 postgres', 'up --scale redis=1 redis']);
  });

  it('lets what is paused go on before it is started', async () => {
    const paused = [
      container({ service: 'redis', state: 'paused' }),
      container({ service: 'postgres', state: 'paused' }),
    ];
    expect(await performed([change('redis', 'start')], paused)).toEqual([
      '--profile * unpause redis',
      'up --scale redis=1 redis',
    ]);
  });

  it('removes what is no longer in the stack, and nothing where nothing changed', async () => {
    expect(await performed([], [container({ id: 'c9', service: 'mapper-old' })])).toEqual([
      'stop c9',
      'rm c9',
    ]);
    expect(await performed([], [])).toEqual([]);
  });
});

describe('what Compose says when it fails', () => {
  it.each([
    ['Error response from daemon: Bind for 127.0.0.1:3000 failed: port is already allocated', 'PORT_IN_USE'],
    ['listen tcp4 0.0.0.0:80: bind: address already in use', 'PORT_IN_USE'],
    ['Error response from daemon: cannot start a paused container', 'ENGINE_FAILED'],
    ['', 'ENGINE_FAILED'],
  ])('%j', (output, code) => {
    const error = composeFailure(`one\n${output}\n`, 'redis');
    expect(error.code).toBe(code);
    expect(error.message).toContain('redis');
    expect(error.message).toContain(output === '' ? 'one' : output);
    expect(error.hint).toBeTruthy();
  });
});
