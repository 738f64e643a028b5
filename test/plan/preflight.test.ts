import { describe, expect, it } from 'vitest';

import { type HostFacts, older, preflight } from '../../src/plan/preflight.ts';
import type { ImageState } from '../../src/ports/engine.ts';
import { builtStack } from '../support/stack.ts';

const { stack } = builtStack({ environment: 'dev' });
const GiB = 1024 ** 3;

const facts: HostFacts = {
  isLocal: true,
  engine: {
    version: '20.10.24+dfsg1',
    apiVersion: '1.41',
    os: 'linux',
    architecture: 'amd64',
    cpus: 2,
    memoryBytes: 24 * GiB,
    rootless: false,
    name: 'host',
    dataRoot: '/var/lib/docker',
    time: 0,
  },
  composeVersion: '2.40.3-3',
  minimum: { engine: '20.10', compose: '2.22' },
  freeBytes: 50 * GiB,
  maxMapCount: 262_144,
  networks: [],
  takenPorts: [],
  foreign: [],
  otherFolder: undefined,
  images: {},
  postgresData: undefined,
};

const postgres = stack.services.find(({ name }) => name === 'postgres')?.image.reference ?? '';

function image(changes: Partial<ImageState>): ImageState {
  return {
    id: 'sha256:a',
    os: 'linux',
    architecture: 'amd64',
    digests: [],
    labels: {},
    user: '',
    environment: {},
    entrypoint: [],
    command: [],
    volumes: [],
    exposedPorts: [],
    sizeBytes: 1,
    ...changes,
  };
}

function found(changes: Partial<HostFacts>, waive: Record<string, string> = {}): string[] {
  return preflight(stack, { ...facts, ...changes }, waive)
    .filter(({ level }) => level !== 'ok')
    .map(({ id, level }) => `${level} ${id}`);
}

describe('preflight', () => {
  it.each<[string, Partial<HostFacts>, string[]]>([
    [
      'somebody else’s container of our name',
      { foreign: ['the container demo-dev-redis-1'] },
      ['failure foreign'],
    ],
    ['another checkout’s containers', { otherFolder: '/srv/other' }, ['failure folder']],
    ['a fit machine', {}, []],
    ['an old engine', { engine: { ...facts.engine, version: '19.03.5' } }, ['failure engine-version']],
    ['an engine elsewhere', { isLocal: false }, ['failure remote-engine']],
    ['an old Compose', { composeVersion: '2.17.0' }, ['failure compose-version']],
    ['little memory', { engine: { ...facts.engine, memoryBytes: 4 * GiB } }, ['failure memory']],
    ['a full disk', { freeBytes: GiB }, ['failure disk']],
    ['few memory maps, one node', { maxMapCount: 65_530 }, ['warning max-map-count']],
    [
      'a taken port',
      { takenPorts: [{ service: 'proxy', port: 80, owner: 'nginx (pid 7)' }] },
      ['failure port'],
    ],
    [
      'another architecture',
      { images: { [postgres]: image({ architecture: 'arm64' }) } },
      ['failure architecture'],
    ],
    [
      'a VOLUME that no mount covers',
      { images: { [postgres]: image({ volumes: ['/var/lib/postgresql'] }) } },
      ['failure persistence'],
    ],
    [
      'data of another major version',
      { images: { [postgres]: image({ environment: { PG_MAJOR: '17' } }) }, postgresData: '15' },
      ['failure data-version'],
    ],
    [
      'data of the same',
      { images: { [postgres]: image({ environment: { PG_MAJOR: '17' } }) }, postgresData: '17' },
      [],
    ],
    [
      'no address pools left',
      {
        networks: Array.from({ length: 30 }, (_, at) => ({
          id: `${at}`,
          name: `n${at}`,
          driver: 'bridge',
          subnets: [],
          labels: {},
        })),
      },
      ['failure subnets'],
    ],
  ])('%s', (_, changes, expected) => {
    expect(found(changes)).toEqual(expected);
  });

  it('lets a waived failure pass, with its reason', () => {
    const small = { engine: { ...facts.engine, memoryBytes: 4 * GiB } };
    expect(found(small, { memory: 'nothing runs at once' })).toEqual(['warning memory']);
  });
});

it.each([
  ['20.10.24+dfsg1', '20.10', false],
  ['20.9', '20.10', true],
  ['2.40.3-3', '2.40.4', true],
  ['v2.22.0', '2.22', false],
  ['3', '2.22', false],
])('%s is older than %s: %s', (version, minimum, expected) => {
  expect(older(version, minimum)).toBe(expected);
});
