import { describe, expect, it } from 'vitest';

import { changes, composeArguments, composeEnvironment } from '../../src/drivers/compose.ts';

const plain = { url: 'unix:///var/run/docker.sock', context: undefined, tls: undefined };
const files = { ca: '/c/ca.pem', cert: '/c/cert.pem', key: '/c/key.pem' };
const stack = { project: 'p', file: '/f.yaml' };
const rest = ['compose', '--project-name', 'p', '--file', '/f.yaml'];

describe('a docker compose command', () => {
  it.each([
    ['a socket', plain, ['--host', plain.url]],
    [
      'TLS',
      { ...plain, url: 'tcp://h:2376', tls: { verify: true, ...files } },
      '--host tcp://h:2376 --tlsverify --tlscacert /c/ca.pem --tlscert /c/cert.pem --tlskey /c/key.pem'.split(
        ' ',
      ),
    ],
    [
      'TLS without a check',
      {
        ...plain,
        url: 'tcp://h:2376',
        tls: { verify: false, ca: undefined, cert: undefined, key: undefined },
      },
      ['--host', 'tcp://h:2376', '--tls'],
    ],
  ])('over %s names the endpoint', (_, endpoint, first) => {
    expect(composeArguments(['up', '-d'], stack, endpoint)).toEqual([...first, ...rest, 'up', '-d']);
  });

  it('names its profiles', () => {
    const profiles = ['tools', 'a b'];
    expect(composeArguments(['ps'], { ...stack, profiles }, plain).slice(7)).toEqual([
      '--profile',
      'tools',
      '--profile',
      'a b',
      'ps',
    ]);
  });

  it('sees little of the caller’s environment', () => {
    const caller = {
      PATH: '/bin',
      HOME: '/home/op',
      https_proxy: 'http://proxy',
      DOCKER_CONFIG: '/c',
      DOCKER_HOST: 'tcp://elsewhere',
      DOCKER_CONTEXT: 'elsewhere',
      COMPOSE_FILE: '/other.yaml',
      COMPOSE_PROFILES: 'all',
      COMPOSE_PROGRESS: 'tty',
      POSTGRES_PASSWORD: 'secret',
    };
    const seen = composeEnvironment(caller, { TAG: '1' });
    expect(seen).toMatchObject({
      PATH: '/bin',
      HOME: '/home/op',
      https_proxy: 'http://proxy',
      DOCKER_CONFIG: '/c',
      COMPOSE_PROGRESS: 'plain',
      TAG: '1',
    });
    for (const name of [
      'DOCKER_HOST',
      'DOCKER_CONTEXT',
      'COMPOSE_FILE',
      'COMPOSE_PROFILES',
      'POSTGRES_PASSWORD',
    ]) {
      expect(seen).not.toHaveProperty(name);
    }
  });

  it.each([
    [['up', '-d'], true],
    [['--dry-run', 'up', '-d'], false],
    [['--progress=plain', 'ps', '--all'], false],
    [['config', '--quiet'], false],
    [['run', '--rm', 'migrate'], true],
    [['pull'], true],
    [[], true],
  ])('%j changes something: %s', (args, expected) => {
    expect(changes(args)).toBe(expected);
  });
});
