import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { resolveEndpoint } from '../../src/drivers/docker-endpoint.ts';
import { sshArguments } from '../../src/drivers/docker-transport.ts';

const home = mkdtempSync(path.join(tmpdir(), 'portiere-endpoint-'));
const settings = path.join(home, '.docker');
const env = { HOME: home };

function context(name: string, docker: object, pems: readonly string[] = []): void {
  const digest = createHash('sha256').update(name).digest('hex');
  const meta = path.join(settings, 'contexts', 'meta', digest);
  const tls = path.join(settings, 'contexts', 'tls', digest, 'docker');
  for (const folder of [meta, tls]) mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker } }));
  for (const pem of pems) writeFileSync(path.join(tls, pem), '');
}

beforeAll(() => {
  context('rootless', { Host: 'unix:///run/user/1000/docker.sock', SkipTLSVerify: false });
  context('far', { Host: 'ssh://op@host:2222' });
  context('tls', { Host: 'tcp://host:2376' }, ['ca.pem', 'cert.pem', 'key.pem']);
  context('lax', { Host: 'tcp://host:2376', SkipTLSVerify: true }, ['cert.pem', 'key.pem']);
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

describe('the endpoint of the engine', () => {
  it.each([
    ['nothing said', {}, {}, 'unix:///var/run/docker.sock', undefined],
    ['DOCKER_HOST', {}, { DOCKER_HOST: 'tcp://host:2375' }, 'tcp://host:2375', undefined],
    ['DOCKER_HOST, bare', {}, { DOCKER_HOST: 'host:2375' }, 'tcp://host:2375', undefined],
    ['DOCKER_CONTEXT', {}, { DOCKER_CONTEXT: 'far' }, 'ssh://op@host:2222', 'far'],
    [
      'DOCKER_HOST over DOCKER_CONTEXT',
      {},
      { DOCKER_HOST: 'ssh://a@b', DOCKER_CONTEXT: 'far' },
      'ssh://a@b',
      undefined,
    ],
    [
      'a context over DOCKER_HOST',
      { context: 'rootless' },
      { DOCKER_HOST: 'tcp://host:2375' },
      'unix:///run/user/1000/docker.sock',
      'rootless',
    ],
    [
      'the default context, which is DOCKER_HOST',
      { context: 'default' },
      { DOCKER_HOST: 'tcp://host:2375' },
      'tcp://host:2375',
      undefined,
    ],
    ['a host', { dockerHost: 'unix:///x' }, { DOCKER_HOST: 'tcp://host:2375' }, 'unix:///x', undefined],
  ])('is %s', async (_, chosen, more, url, name) => {
    expect(await resolveEndpoint(chosen, { ...env, ...more })).toMatchObject({ url, context: name });
  });

  it('is the current context, which a host overrides', async () => {
    const folder = path.join(home, 'own');
    mkdirSync(folder);
    const own = { DOCKER_CONFIG: folder };
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ currentContext: 'gone' }));
    await expect(resolveEndpoint({}, own)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'There is no Docker context called gone.',
      hint: 'See which there are: docker context ls',
    });
    expect(await resolveEndpoint({}, { ...own, DOCKER_HOST: 'unix:///x' })).toMatchObject({
      url: 'unix:///x',
    });
    writeFileSync(path.join(folder, 'config.json'), '{');
    await expect(resolveEndpoint({}, own)).rejects.toThrow('config.json is not JSON');
  });

  it('has the certificates of its context, or of the environment', async () => {
    const verified = await resolveEndpoint({ context: 'tls' }, env);
    expect(verified.tls).toMatchObject({ verify: true });
    expect(path.basename(verified.tls?.ca ?? '')).toBe('ca.pem');
    expect((await resolveEndpoint({ context: 'lax' }, env)).tls).toMatchObject({
      verify: false,
      ca: undefined,
    });
    const variables = { DOCKER_HOST: 'tcp://h:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' };
    expect((await resolveEndpoint({}, { ...env, ...variables })).tls).toEqual({ verify: true });
    expect(
      (await resolveEndpoint({}, { ...env, ...variables, DOCKER_HOST: 'unix:///x' })).tls,
    ).toBeUndefined();
  });

  it.each(['unix://', 'ftp://host', 'tcp://', 'ssh://', 'tcp://a b'])('is not %s', async (host) => {
    await expect(resolveEndpoint({ dockerHost: host }, env)).rejects.toMatchObject({ exitCode: 6 });
  });
});

it.each([
  ['ssh://host', ['--', 'host']],
  ['ssh://op@host:2222', ['-l', 'op', '-p', '2222', '--', 'host']],
  ['ssh://[::1]', ['--', '::1']],
])('%s is reached by ssh', (url, middle) => {
  expect(sshArguments(url).slice(3)).toEqual([...middle, 'docker', 'system', 'dial-stdio']);
});
