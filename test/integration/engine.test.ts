import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { enginesFor } from '../../src/drivers/docker.ts';
import type { PortiereError } from '../../src/errors.ts';
import type { Engine, LogPiece } from '../../src/ports/engine.ts';
import { engineMissing, makeTinyImage, removeImage } from '../support/tiny-image.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'portiere-engine-'));
const bin = path.join(folder, 'bin');
const servers: Server[] = [];
const source = new URL('../../src/drivers/docker.ts', import.meta.url).href;

beforeAll(() => {
  mkdirSync(bin);
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function listening(server: Server, at: string | number): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => {
    if (typeof at === 'string') server.listen(at, resolve);
    else server.listen(at, '127.0.0.1', resolve);
  });
  const address = server.address();
  return typeof address === 'string' ? `unix://${address}` : `tcp://127.0.0.1:${address?.port ?? 0}`;
}

/** Connects in vain; the error, and the seconds it took to come. */
async function refused(
  env: Readonly<Record<string, string>>,
  context?: string,
): Promise<{ error: PortiereError; seconds: number }> {
  const begin = performance.now();
  try {
    await enginesFor({ HOME: folder, ...env }).connect({
      timeout: 2_500,
      ...(context !== undefined && { context }),
    });
  } catch (error) {
    return { error: error as PortiereError, seconds: (performance.now() - begin) / 1_000 };
  }
  throw new Error('it connected');
}

/** Something that answers as an engine would, to every request the same. */
function answering(status: number, body: string): Server {
  return createHttpServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
}

/** An `ssh` for PATH. */
function fakeSsh(name: string, script: string): string {
  const at = path.join(bin, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(path.join(at, 'ssh'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(at, 'ssh'), 0o755);
  return `${at}:${process.env['PATH'] ?? ''}`;
}

describe('an engine that cannot be used', () => {
  const version = (newest: string, oldest: string): string =>
    JSON.stringify({ ApiVersion: newest, MinAPIVersion: oldest });

  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>, RegExp, RegExp]>([
    [
      'its socket is missing',
      () => ({ DOCKER_HOST: `unix://${folder}/none.sock` }),
      /^There is no engine socket at unix:.*none\.sock\.$/,
      /systemctl start docker/,
    ],
    [
      'its socket is left over',
      async () => {
        const file = path.join(folder, 'left.sock');
        const script = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
        await promisify(execFile)(process.execPath, ['--eval', script]).catch(() => undefined);
        expect(existsSync(file)).toBe(true);
        return { DOCKER_HOST: `unix://${file}` };
      },
      /^No engine listens at unix:/,
      /systemctl start docker/,
    ],
    [
      'only a rootless one runs, unused',
      async () => {
        await listening(createServer(), path.join(folder, 'docker.sock'));
        return { DOCKER_HOST: `unix://${folder}/none.sock`, XDG_RUNTIME_DIR: folder };
      },
      /^There is no engine socket/,
      /rootless .*DOCKER_HOST=unix:.*docker\.sock$/,
    ],
    [
      'nothing listens on its port',
      () => ({ DOCKER_HOST: 'tcp://127.0.0.1:9' }),
      /^No engine listens at tcp:\/\/127\.0\.0\.1:9\.$/,
      /dockerd -H/,
    ],
    [
      'it is silent',
      async () => ({ DOCKER_HOST: await listening(createServer(), 0) }),
      /does not answer in time/,
      /firewall/,
    ],
    [
      'its host is unknown',
      () => ({ DOCKER_HOST: 'tcp://engine.invalid:2375' }),
      /^The host of tcp:\/\/engine\.invalid:2375 is not known|does not answer in time/,
      /DOCKER_HOST|firewall/,
    ],
    [
      'it is too old',
      async () => ({ DOCKER_HOST: await listening(answering(200, version('1.40', '1.12')), 0) }),
      /too old: it speaks API 1\.12 to 1\.40, we 1\.41 to/,
      /20\.10 or newer/,
    ],
    [
      'it is too new',
      async () => ({ DOCKER_HOST: await listening(answering(200, version('1.99', '1.77')), 0) }),
      /too new: it speaks API 1\.77/,
      /Update portiere/,
    ],
    [
      'it wants TLS',
      async () => ({
        DOCKER_HOST: await listening(answering(400, 'Client sent an HTTP request to an HTTPS server.\n'), 0),
      }),
      /speaks TLS only/,
      /DOCKER_TLS_VERIFY/,
    ],
    [
      'it has no TLS',
      async () => ({ DOCKER_HOST: await listening(answering(200, '{}'), 0), DOCKER_TLS_VERIFY: '1' }),
      /^No TLS with the engine/,
      /certificates/,
    ],
    [
      'ssh is refused',
      () => ({
        DOCKER_HOST: 'ssh://op@host:22',
        PATH: fakeSsh('denied', 'echo "op@host: Permission denied (publickey)." >&2; exit 255'),
      }),
      /^No engine by way of ssh:\/\/op@host:22: op@host: Permission denied \(publickey\)\.$/,
      /ssh -p 22 op@host docker version/,
    ],
    [
      'ssh hangs',
      () => ({ DOCKER_HOST: 'ssh://host', PATH: fakeSsh('hanging', 'exec sleep 20') }),
      /does not answer in time/,
      /firewall/,
    ],
  ])('because %s', async (_, env, message, hint) => {
    const { error, seconds } = await refused(await env());
    expect(error).toMatchObject({ code: 'ENGINE_UNREACHABLE', exitCode: 6 });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(seconds).toBeLessThan(3);
  });

  it('because its context is unknown', async () => {
    const { error } = await refused({}, 'nowhere');
    expect(error).toMatchObject({ exitCode: 6, message: 'There is no Docker context called nowhere.' });
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)('because we may not (skipped where not root, who can become nobody)', async () => {
    const file = path.join(folder, 'denied.sock');
    await listening(createServer(), file);
    chmodSync(file, 0o600);
    chmodSync(folder, 0o755);
    // The driver is loaded before the process gives up its rights, as nobody may not read the checkout.
    const script = `
      const { enginesFor } = await import(${JSON.stringify(source)});
      process.setuid(65534);
      await enginesFor({ DOCKER_HOST: ${JSON.stringify(`unix://${file}`)} }).connect({ timeout: 2500 })
        .catch(({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: `Not permitted to use the engine at unix://${file}.`,
      hint: expect.stringContaining('docker group'),
    });
  });
});

const hasOpenssl = ['/usr/bin/openssl', '/usr/local/bin/openssl'].some((file) => existsSync(file));
const image = 'portiere-test/tiny:engine';
const owned = { project: 'portiere-engine', environment: 'test' };
const stack = { project: owned.project, file: path.join(folder, 'compose.yaml') };
const labels =
  'labels: { io.portiere.project: portiere-engine, io.portiere.environment: test, io.portiere.test: engine }';
const composeFile = `
services:
  api:
    image: ${image}
    command: ["sh", "-c", "echo héllo; echo wrong >&2; echo $$GIVEN > /data/given; while :; do sleep 0.2; done"]
    ${labels}
    environment: { GIVEN: "\${GIVEN:-none}", SECRET: hidden }
    healthcheck: { test: ["CMD", "true"], interval: 500ms }
    user: "1000:1000"
    read_only: true
    init: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    pids_limit: 50
    mem_limit: 32m
    cpus: 0.5
    restart: "on-failure:3"
    stop_grace_period: 1s
    logging: { driver: json-file, options: { max-size: 1m } }
    tmpfs: [/tmp, "/data:mode=1777"]
    volumes: ["store:/volume"]
    ports: ["127.0.0.1::80"]
volumes: { store: { ${labels} } }
networks: { default: { ${labels} } }
`;

describe.skipIf(engineMissing !== '')(`a real engine (${engineMissing || 'here'})`, () => {
  let engine: Engine;
  let id: string;

  beforeAll(async () => {
    makeTinyImage('engine');
    writeFileSync(stack.file, composeFile);
    engine = await enginesFor(process.env).connect({ timeout: 30_000 });
  });
  afterAll(async () => {
    await engine.compose(['down', '--volumes', '--timeout', '0'], stack);
    removeImage(image);
  });

  it('says what it is', async () => {
    expect(await engine.info()).toMatchObject({ os: 'linux', rootless: expect.any(Boolean) });
    const info = await engine.info();
    expect(Math.abs(info.time - Date.now())).toBeLessThan(60_000);
    expect(await engine.composeVersion()).toMatch(/^2\.\d+/);
  });

  it('is not changed by looking, nor by a dry run', async () => {
    await engine.containers(owned, { all: true });
    expect(await engine.image(image)).toMatchObject({
      volumes: ['/volume'],
      environment: { TINY: '1' },
      exposedPorts: ['80/tcp'],
      command: ['sh'],
    });
    expect(await engine.image('portiere-test/none:1')).toBeUndefined();
    const plan = await engine.compose(['--dry-run', 'up', '--detach'], stack);
    expect(plan.exitCode).toBe(0);
    writeFileSync(path.join(folder, '.env'), 'GIVEN=leaked\n');
    expect((await engine.compose(['config'], stack)).stdout).toContain('GIVEN: none');
    expect(engine.mutations()).toBe(0);
    expect(await engine.containers(owned, { all: true })).toEqual([]);
    expect(await engine.volumes(owned)).toEqual([]);
  });

  it('brings up a stack, line by line, with what it is given and no more', async () => {
    const lines: string[] = [];
    const caller = {
      ...process.env,
      COMPOSE_PROFILES: 'x',
      COMPOSE_FILE: '/nowhere',
      DOCKER_CONTEXT: 'nowhere',
    };
    const careless = await enginesFor({ ...caller, DOCKER_HOST: engine.endpoint }).connect({
      timeout: 3_000,
    });
    const { exitCode } = await careless.compose(['up', '--detach'], {
      ...stack,
      env: { GIVEN: 'so' },
      onLine: (line) => lines.push(line),
    });
    expect(exitCode).toBe(0);
    expect(lines.join('\n')).toContain('Container portiere-engine-api-1  Started');
    expect(careless.mutations()).toBe(1);
  });

  it('tells all about a container but its environment’s values', async () => {
    await expect
      .poll(async () => (await engine.containers(owned))[0]?.health?.status, { timeout: 10_000 })
      .toBe('healthy');
    const [container] = await engine.containers(owned);
    id = container?.id ?? '';
    expect(container).toMatchObject({
      name: 'portiere-engine-api-1',
      service: 'api',
      image: { reference: image, id: (await engine.image(image))?.id },
      state: 'running',
      restartCount: 0,
      networks: [{ name: 'portiere-engine_default' }],
      ports: [{ host: '127.0.0.1', target: 80, protocol: 'tcp' }],
      mounts: expect.arrayContaining([
        { type: 'volume', source: 'portiere-engine_store', target: '/volume', writable: true },
        { type: 'tmpfs', source: '', target: '/tmp', writable: true },
      ]),
      limits: {
        user: '1000:1000',
        readOnlyRoot: true,
        privileged: false,
        capDrop: ['ALL'],
        capAdd: [],
        securityOpt: ['no-new-privileges:true'],
        pids: 50,
        memoryBytes: 32 * 1024 * 1024,
        cpus: 0.5,
        restart: 'on-failure',
        restartMaximum: 3,
        logDriver: 'json-file',
        logOptions: { 'max-size': '1m' },
        init: true,
        stopGraceSeconds: 1,
      },
    });
    const { startedAt = 0, health } = container ?? {};
    expect(health?.log.at(-1)?.end).toBeGreaterThan(startedAt ?? 0);
    expect(await engine.environmentKeys(id)).toEqual(expect.arrayContaining(['GIVEN', 'SECRET', 'TINY']));
    expect(JSON.stringify(container)).not.toContain('hidden');
    expect(await engine.publisher(container?.ports[0]?.published ?? 0)).toBe('portiere-engine-api-1');
    expect(await engine.publisher(1)).toBeUndefined();
    expect(await engine.container('portiere-none')).toBeUndefined();
    expect(await engine.containers({ ...owned, environment: 'prod' })).toEqual([]);
  });

  it('lists volumes and networks, ours and all', async () => {
    expect(await engine.volumes(owned)).toMatchObject([{ name: 'portiere-engine_store', driver: 'local' }]);
    const [network] = await engine.networks(owned);
    expect(network).toMatchObject({
      name: 'portiere-engine_default',
      subnets: [expect.stringMatching(/\/\d+$/)],
    });
    expect((await engine.networks()).map(({ name }) => name)).toContain('bridge');
  });

  it('has the log, and follows it until told to stop', async () => {
    const all: LogPiece[] = [];
    for await (const piece of engine.logs(id, {})) all.push(piece);
    expect(all).toHaveLength(2);
    expect(all).toContainEqual({ stream: 'stdout', text: 'héllo' });
    expect(all).toContainEqual({ stream: 'stderr', text: 'wrong' });
    const stop = new AbortController();
    const followed: string[] = [];
    for await (const { text } of engine.logs(id, { follow: true, tail: 1, stop: stop.signal })) {
      followed.push(text);
      setTimeout(() => {
        stop.abort();
      }, 200);
    }
    expect(followed).toHaveLength(1);
    await expect(engine.logs('none', {})[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('No such container: none'),
    });
  });

  it('runs programs inside, with input, output and exit code', async () => {
    const script = 'cat; echo wrong >&2; exit 3';
    const input = 'ä'.repeat(200_000);
    expect(await engine.exec(id, ['sh', '-c', script], { stdin: input })).toEqual({
      exitCode: 3,
      stdout: input,
      stderr: 'wrong\n',
    });
    expect((await engine.exec(id, ['id', '-u'], { user: '0' })).stdout).toBe('0\n');
    expect((await engine.exec(id, ['cat', '/data/given'])).stdout).toBe('so\n');
    await expect(engine.exec(id, ['sleep', '9'], { timeout: 300 })).rejects.toMatchObject({ exitCode: 124 });
  });

  it('tells what a container uses and what happened to it', async () => {
    const stats = await engine.stats(id);
    expect(stats).toMatchObject({ memoryLimitBytes: 32 * 1024 * 1024 });
    expect(stats.memoryBytes).toBeGreaterThan(0);
    const until = (await engine.info()).time;
    const events = await engine.events(owned, { since: until - 60_000, until });
    const actions = events.map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['create', 'start', 'health_status: healthy']));
    expect(actions.filter((action) => action.startsWith('exec'))).toEqual([]);
  });

  it('reads files of containers that run, that never did, and of their volumes', async () => {
    expect((await engine.readFile(id, '/bin/busybox'))?.length).toBeGreaterThan(500_000);
    expect((await engine.readFile(id, '/bin/sh'))?.length).toBeGreaterThan(500_000);
    expect(await engine.readFile(id, '/none')).toBeUndefined();
    expect(await engine.readFile(id, '/bin')).toBeUndefined();
    await engine.exec(id, ['sh', '-c', 'echo kept > /volume/file'], { user: '0' });
    const reader = await engine.createReader({
      image,
      labels: { 'io.portiere.test': 'engine' },
      volumes: [{ name: 'portiere-engine_store', target: '/store' }],
    });
    try {
      expect((await engine.readFile(reader, '/store/file'))?.toString()).toBe('kept\n');
      expect((await engine.container(reader))?.state).toBe('created');
    } finally {
      await engine.removeContainer(reader);
      await engine.removeContainer(reader);
    }
    expect(await engine.container(reader)).toBeUndefined();
  });

  it('interrupts Compose, and leaves none of it running', async () => {
    const stop = new AbortController();
    const begin = performance.now();
    const run = engine.compose(['logs', '--follow'], {
      ...stack,
      signal: stop.signal,
      onLine: () => {
        stop.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(performance.now() - begin).toBeLessThan(8_000);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(`${stack.file} logs`);
    await expect(engine.compose(['events'], { ...stack, timeout: 700 })).rejects.toMatchObject({
      exitCode: 124,
    });
    expect((await engine.compose(['up', '--nonsense'], stack)).exitCode).not.toBe(0);
  });

  it('stops, kills and removes', async () => {
    const before = engine.mutations();
    await engine.killContainer(id, 'SIGSTOP');
    await engine.stopContainer(id, 1);
    await engine.stopContainer(id, 1);
    expect(await engine.container(id)).toMatchObject({
      state: 'exited',
      exitCode: 137,
      health: { log: expect.any(Array) },
    });
    expect(engine.mutations() - before).toBe(3);
    expect((await engine.readFile(id, '/bin/sh'))?.length).toBeGreaterThan(500_000);
    await engine.removeContainer(id);
    await engine.removeVolume('portiere-engine_store');
    expect(await engine.containers(owned, { all: true })).toEqual([]);
  });

  it('says that there is no Compose', async () => {
    const bare = await enginesFor({ DOCKER_HOST: engine.endpoint, PATH: bin }).connect({ timeout: 30_000 });
    await expect(bare.composeVersion()).rejects.toMatchObject({ code: 'COMPOSE_MISSING', exitCode: 4 });
    await expect(bare.compose(['ps'], stack)).rejects.toMatchObject({ code: 'COMPOSE_MISSING' });
    const without = path.join(bin, 'docker');
    writeFileSync(without, '#!/bin/sh\necho "docker: \'compose\' is not a docker command." >&2\nexit 1\n');
    chmodSync(without, 0o755);
    await expect(bare.composeVersion()).rejects.toMatchObject({
      message: expect.stringContaining('no Compose plugin'),
    });
    writeFileSync(without, '#!/bin/sh\necho 1.29.2\n');
    await expect(bare.composeVersion()).rejects.toMatchObject({
      message: expect.stringContaining('too old'),
    });
    rmSync(without);
  });
});

describe.skipIf(engineMissing !== '')(`other ways to it (${engineMissing || 'here'})`, () => {
  let socket = '';
  const open: Socket[] = [];
  const forward = (client: Socket): void => {
    const far = connect(socket);
    open.push(client, far);
    client.pipe(far).pipe(client);
    for (const end of [client, far]) end.on('error', () => undefined);
  };
  const file = path.join(folder, 'other.yaml');

  beforeAll(async () => {
    const { endpoint } = await enginesFor(process.env).connect({ timeout: 30_000 });
    socket = endpoint.replace('unix://', '');
    makeTinyImage('other');
    const service = `image: portiere-test/tiny:other\n    command: ["true"]\n    network_mode: none\n    ${labels}`;
    writeFileSync(
      file,
      `services:\n  one:\n    ${service.replaceAll('portiere-engine', 'portiere-other')}\n`,
    );
  });
  afterAll(() => {
    for (const each of open) each.destroy();
    removeImage('portiere-test/tiny:other');
  });

  /** Both doors lead to the same engine: what Compose creates the API sees. */
  async function works(env: Readonly<Record<string, string>>): Promise<Engine> {
    const engine = await enginesFor({ ...process.env, ...env }).connect({ timeout: 30_000 });
    const other = { project: 'portiere-other', file };
    try {
      const { exitCode, stderr } = await engine.compose(['create'], other);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      const found = await engine.containers(
        { project: 'portiere-other', environment: 'test' },
        { all: true },
      );
      expect(found).toMatchObject([{ state: 'created', service: 'one' }]);
    } finally {
      await engine.compose(['down', '--volumes'], other);
    }
    return engine;
  }

  it('leads over TCP', async () => {
    await works({ DOCKER_HOST: await listening(createServer(forward), 0) });
  });

  it('leads over ssh', async () => {
    const script = 'while [ "$1" != "--" ]; do shift; done; shift 2; unset DOCKER_HOST; exec sh -c "$*"';
    const env = { DOCKER_HOST: 'ssh://op@host', PATH: fakeSsh('local', script) };
    const engine = await works(env);
    const reader = await engine.createReader({ image: 'portiere-test/tiny:other', labels: {} });
    await engine.removeContainer(reader);
  });

  it('may break', async () => {
    const server = createServer(forward);
    const endpoint = await listening(server, 0);
    const engine = await enginesFor({ ...process.env, DOCKER_HOST: endpoint }).connect({ timeout: 30_000 });
    server.close();
    for (const each of open.splice(0)) each.destroy();
    await expect(engine.containers(owned)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE', exitCode: 6 });
    await expect(engine.info()).rejects.toMatchObject({ message: `No engine listens at ${endpoint}.` });
    expect((await engine.compose(['ps'], { project: 'portiere-other', file })).exitCode).not.toBe(0);
  });

  it.skipIf(!hasOpenssl)('leads over TLS, to whom it knows (skipped without openssl)', async () => {
    const certs = path.join(folder, 'certs');
    mkdirSync(certs);
    const openssl = (...args: string[]): unknown =>
      execFileSync('openssl', args, { cwd: certs, stdio: 'pipe' });
    const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
    const names = '-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
    openssl('req', ...`${options} ${names} -keyout key.pem -out cert.pem`.split(' '));
    const read = (name: string): Buffer => execFileSync('cat', [path.join(certs, name)]);
    const [key, cert] = [read('key.pem'), read('cert.pem')];
    const server = createTlsServer({ key, cert, ca: cert, requestCert: true }, forward);
    server.on('tlsClientError', () => undefined);
    const tls = { DOCKER_HOST: await listening(server, 0), DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs };
    const { error } = await refused(tls);
    expect(error.message).toMatch(/^No TLS with the engine at tcp:.*self-signed certificate/);
    writeFileSync(path.join(certs, 'ca.pem'), cert);
    await works(tls);
  });
});
