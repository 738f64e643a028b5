import { describe, expect, it } from 'vitest';

import { type Desired, orphans, planConvergence } from '../../src/plan/converge.ts';
import type { ContainerState, NetworkState, VolumeState } from '../../src/ports/engine.ts';
import { changedFields } from '../../src/render/fingerprint.ts';
import { container } from '../support/containers.ts';
import { builtStack } from '../support/stack.ts';

const { stack } = builtStack({ environment: 'dev' });
const fields = { image: 'aaaa', 'env.LOG_LEVEL': 'bbbb' };

function wanted(name: string, changes: Partial<Desired> = {}): Desired {
  const service = stack.services.find((one) => one.name === name);
  if (service === undefined) throw new Error(`no ${name}`);
  return { service, fields, hash: 'h1', replicas: 1, ...changes };
}

function live(service: string, changes: Partial<ContainerState> = {}): ContainerState {
  return container({
    service,
    labels: { 'io.portiere.config': 'h1', 'io.portiere.fields': JSON.stringify(fields) },
    networks: networks.map(({ name, id }) => ({ name, id, address: '' })),
    ...changes,
  });
}

const volumes: readonly VolumeState[] = stack.volumes.map(({ name }) => ({
  name: `${stack.namespace}_${name}`,
  driver: 'local',
  mountpoint: '',
  labels: {},
  createdAt: 0,
}));

const networks: readonly NetworkState[] = stack.networks.map(({ name }) => ({
  id: `id of ${name}`,
  name: `${stack.namespace}_${name}`,
  driver: 'bridge',
  subnets: [],
  labels: {},
}));

function changes(desired: Desired, containers: readonly ContainerState[], imageIds = {}): string[] {
  const found = planConvergence(
    { stack, desired: [desired] },
    { containers, volumes, networks, imageIds },
    changedFields,
  );
  return found.map(({ action, cause }) => `${action}: ${cause}`);
}

describe('a service', () => {
  const name = 'redis';
  it.each<[string, readonly ContainerState[], readonly string[]]>([
    ['is made where it is not there', [], ['create: it is not there']],
    ['is left alone where it is as it should be', [live(name)], []],
    [
      'is started where it stopped',
      [live(name, { state: 'exited', exitCode: 137 })],
      ['start: it is stopped (exit code 137)'],
    ],
    [
      'names what kept it from starting',
      [live(name, { state: 'created', error: 'port is already allocated' })],
      ['start: it could not be started: port is already allocated'],
    ],
    [
      'names the setting that changed',
      [
        live(name, {
          labels: {
            'io.portiere.config': 'h0',
            'io.portiere.fields': JSON.stringify({ ...fields, 'env.LOG_LEVEL': 'cccc' }),
          },
        }),
      ],
      ['recreate: changed: environment LOG_LEVEL'],
    ],
    [
      'says so where its labels cannot be read',
      [live(name, { labels: { 'io.portiere.config': 'h0', 'io.portiere.fields': '{' } })],
      ['recreate: it was made by another version of portiere'],
    ],
    ['is scaled down', [live(name), live(name)], ['scale: 2 of it, 1 wanted']],
    [
      'is not counted with a run beside it',
      [live(name), live(name, { labels: { 'com.docker.compose.oneoff': 'True' } })],
      [],
    ],
    [
      'is made anew where it was cut off from its network',
      [live(name, { networks: [] })],
      ['recreate: it is not on the network back'],
    ],
    [
      'is made anew where its network was, while it was stopped',
      [live(name, { state: 'exited', networks: [{ name: 'demo-dev_back', id: 'gone', address: '' }] })],
      ['recreate: its network back was removed'],
    ],
    [
      'is only started where it never was on its network',
      [live(name, { state: 'created', networks: [{ name: 'demo-dev_back', id: '', address: '' }] })],
      ['start: it is created'],
    ],
    ['is made anew by nothing but a dead one', [live(name, { state: 'dead' })], ['start: it is dead']],
  ])('%s', (_, containers, expected) => {
    expect(changes(wanted(name), containers)).toEqual(expected);
  });

  it('is made anew where its image was built again', () => {
    const reference = wanted(name).service.image.reference;
    const built = { [reference]: 'sha256:new' };
    expect(changes(wanted(name), [live(name)], built)).toEqual([
      `recreate: ${reference} is another image now`,
    ]);
  });

  it('is wanted not at all', () => {
    expect(changes(wanted(name, { replicas: 0 }), [])).toEqual([]);
  });
});

describe('a job', () => {
  const done = { state: 'exited', exitCode: 0, finishedAt: 2_000 } as const;
  it.each<[string, readonly ContainerState[], readonly string[]]>([
    ['runs where it never ran', [], ['run: it has not run yet']],
    ['does not run again', [live('migrate', done)], []],
    [
      'runs again after a failure',
      [live('migrate', { ...done, exitCode: 3 })],
      ['run: it failed with exit code 3'],
    ],
    ['is waited for where it runs', [live('migrate', { state: 'running' })], ['run: it is running already']],
    [
      'runs where it was made and not started',
      [live('migrate', { state: 'created' })],
      ['run: it is created'],
    ],
  ])('%s', (_, containers, expected) => {
    expect(changes(wanted('migrate'), containers)).toEqual(expected);
  });

  it('runs again where the data it worked on is gone', () => {
    const left = volumes.filter(({ name }) => !name.endsWith('postgres-data'));
    const found = planConvergence(
      { stack, desired: [wanted('migrate')] },
      { containers: [live('migrate', done)], volumes: left, networks, imageIds: {} },
      changedFields,
    );
    expect(found.map(({ cause }) => cause)).toEqual(['the volume postgres-data is gone']);
  });

  it('runs again where the data was in memory', () => {
    const { stack: throwaway } = builtStack({ environment: 'test' });
    const service = throwaway.services.find(({ name }) => name === 'migrate') as Desired['service'];
    const found = (startedAt: number): string[] =>
      planConvergence(
        { stack: throwaway, desired: [{ service, fields, hash: 'h1', replicas: 1 }] },
        {
          containers: [live('migrate', done), live('postgres', { startedAt })],
          volumes: volumes.map((one) => ({ ...one, name: one.name.replace('demo-dev', 'demo-test') })),
          networks,
          imageIds: {},
        },
        changedFields,
      ).map(({ cause }) => cause);
    expect(found(3_000)).toEqual(['postgres was started again with an empty memory']);
    expect(found(1_000)).toEqual([]);
  });

  it('runs again after one it depends on', () => {
    const found = planConvergence(
      { stack, desired: [wanted('migrate', { hash: 'h2' }), wanted('index')] },
      { containers: [live('migrate', done), live('index', done)], volumes, networks, imageIds: {} },
      changedFields,
    );
    expect(found.map(({ service, cause }) => `${service}: ${cause}`)).toEqual([
      'migrate: it was made by another version of portiere',
      'index: migrate runs again',
    ]);
  });
});

it('knows what is left over', () => {
  const left = [live('old'), live('redis'), live('old', { labels: { 'com.docker.compose.oneoff': 'True' } })];
  expect(orphans(['redis'], left)).toEqual([left[0]]);
});
