import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Project } from '../../../src/commands/context.ts';
import { otherFolder, strangers } from '../../../src/commands/stack/strangers.ts';
import type { Change } from '../../../src/plan/converge.ts';
import type { ContainerState, Engine } from '../../../src/ports/engine.ts';
import { container } from '../../support/containers.ts';
import { builtStack } from '../../support/stack.ts';

const { stack } = builtStack({ environment: 'dev' });
const ours = { 'io.portiere.project': 'demo', 'io.portiere.environment': 'dev' };
const create: Change = { service: 'redis', action: 'create', cause: '', replicas: 2 };

interface There {
  readonly containers?: readonly ContainerState[];
  readonly volumes?: readonly { name: string; labels: Record<string, string> }[];
  readonly networks?: readonly { name: string; labels: Record<string, string> }[];
}

async function found(
  there: There,
  changes: readonly Change[] = [create],
  known: readonly ContainerState[] = [],
): Promise<readonly string[]> {
  const engine = {
    container: async (name: string) => there.containers?.find((one) => one.name === name),
    volumes: async () => there.volumes ?? [],
    networks: async () => there.networks ?? [],
  } as unknown as Engine;
  const project = { root: '/srv/demo', config: { name: 'demo', environment: 'dev' } } as Project;
  return await strangers(engine, project, { stack, changes, containers: known });
}

describe('what is there under our names', () => {
  it('is somebody else’s without our labels, or with those of another environment', async () => {
    const other = container({ name: 'demo-dev-redis-2' });
    expect(await found({ containers: [other] })).toEqual(['the container demo-dev-redis-2']);
    const labels = { ...ours, 'io.portiere.project': 'demo-dev' };
    expect(await found({ volumes: [{ name: 'demo-dev_redis-data', labels }] })).toEqual([
      'the volume demo-dev_redis-data',
    ]);
    expect(await found({ networks: [{ name: 'demo-dev_back', labels: {} }] })).toEqual([
      'the network demo-dev_back',
    ]);
  });

  it('is ours with them, and what the stack does not name is nobody’s concern', async () => {
    const mine = container({ name: 'demo-dev-redis-1', labels: ours });
    expect(
      await found({ containers: [mine], volumes: [{ name: 'demo-dev_redis-data', labels: ours }] }),
    ).toEqual([]);
    expect(await found({ containers: [container({ name: 'demo-dev-redis-3' })] })).toEqual([]);
    expect(await found({ volumes: [{ name: 'demo-dev_mine', labels: {} }] })).toEqual([]);
  });

  it('is not asked for where no container is made', async () => {
    const other = container({ name: 'demo-dev-redis-1' });
    expect(await found({ containers: [other] }, [{ ...create, action: 'start' }])).toEqual([]);
    expect(await found({ containers: [other] }, [create], [other])).toEqual([]);
  });
});

describe('the folder that containers were made from', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portiere-folder-'));
    for (const name of ['mine', 'theirs'])
      await mkdir(join(folder, name, '.portiere/render/dev'), { recursive: true });
    symlinkSync(join(folder, 'mine'), join(folder, 'link'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function from(
    name: string | undefined,
    endpoint = 'unix:///run/docker.sock',
  ): Promise<string | undefined> {
    const project = { root: join(folder, 'mine'), config: { name: 'demo', environment: 'dev' } } as Project;
    const labels: Record<string, string> =
      name === undefined
        ? {}
        : { 'com.docker.compose.project.working_dir': join(folder, name, '.portiere/render/dev') };
    return await otherFolder({ endpoint } as Engine, project, [container({ labels })]);
  }

  it('is another checkout’s where it is there and not ours, by whatever name', async () => {
    expect(await from('theirs')).toBe(join(folder, 'theirs', '.portiere/render/dev'));
    expect(await from('mine')).toBeUndefined();
    expect(await from('link')).toBeUndefined();
  });

  it('is no concern where it is gone, unknown, or on another machine', async () => {
    expect(await from('moved-away')).toBeUndefined();
    expect(await from(undefined)).toBeUndefined();
    expect(await from('theirs', 'ssh://host')).toBeUndefined();
  });
});
