import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ClientRequest, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { Secret } from '../../src/config/secret.ts';
import type { Service, Stack } from '../../src/stack/model.ts';
import { until } from '../support/cli.ts';
import { compose, composeMissing, writeStack } from '../support/compose.ts';
import { builtStack, goldenStacks } from '../support/stack.ts';

const imagesFile = fileURLToPath(new URL('../../.images.yaml', import.meta.url));
const images = existsSync(imagesFile)
  ? (parse(readFileSync(imagesFile, 'utf8')) as Readonly<Record<string, string>>)
  : {};
const docker = (...words: string[]): string =>
  execFileSync('docker', words, { encoding: 'utf8', timeout: 60_000, stdio: 'pipe' });

const why = missing();
const namespace = 'portiere-proxy-test';

function missing(): string | null {
  const noCompose = composeMissing();
  if (noCompose !== null) return noCompose;
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
  } catch {
    return 'there is no openssl to make a certificate';
  }
  for (const name of ['proxy', 'node']) {
    try {
      docker('image', 'inspect', images[name] ?? 'none');
    } catch {
      return `.images.yaml names no ${name} that is in the engine: npm run images`;
    }
  }
  return null;
}

/** Answers with what it was asked; `/die` hangs up, `/count` tells how often; upgrades are echoed. */
const backend = `
  const { createServer } = require('node:http');
  const host = require('node:os').hostname();
  let died = 0;
  const server = createServer((request, response) => {
    if (request.url.startsWith('/die')) { died += 1; request.socket.destroy(); return; }
    request.resume().on('end', () => response.end(JSON.stringify({ host, died, url: request.url, headers: request.headers })));
  });
  server.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
    socket.pipe(socket);
  });
  server.listen(Number(process.env.PORT));
  process.on('SIGTERM', () => process.exit());
`;

describe.skipIf(why !== null)(`the rendered proxy${why === null ? '' : ` (skipped: ${why})`}`, () => {
  let folder: string;
  let ports: { readonly http: number; readonly https: number };
  let proxy: string;

  beforeAll(async () => {
    folder = writeStack(stackOfBackends());
    await compose(folder, ['up', '--detach', '--no-build']);
    proxy = (await compose(folder, ['ps', '--quiet', 'proxy'])).stdout.trim();
    const portOf = (target: number): number =>
      Number(docker('port', proxy, String(target)).trim().split(':').at(-1));
    ports = { http: portOf(8080), https: portOf(8443) };
    const health = (): string => docker('inspect', proxy, '--format', '{{.State.Health.Status}}').trim();
    await until('the proxy serves', async () => health() === 'healthy' && (await ask('/')).status === 200);
  });
  afterAll(async () => {
    if (folder === undefined) return;
    await compose(folder, ['down', '--volumes', '--timeout', '1']);
    rmSync(folder, { recursive: true });
  });

  interface Asking extends RequestOptions {
    readonly plain?: boolean;
    readonly host?: string;
    readonly body?: string;
  }
  interface Answer {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly text: string;
    readonly seen: {
      readonly host: string;
      readonly died: number;
      readonly url: string;
      readonly headers: Record<string, string>;
    };
  }

  async function ask(
    path: string,
    { plain = false, host = 'api.example.org', body, headers, ...rest }: Asking = {},
  ): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const options = {
        ...rest,
        path,
        headers: { ...(headers as Record<string, string>), host },
        host: '127.0.0.1',
        agent: false,
      };
      const request: ClientRequest = plain
        ? httpRequest({ ...options, port: ports.http })
        : httpsRequest({ servername: host, rejectUnauthorized: false, ...options, port: ports.https });
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          const seen = (text.startsWith('{') ? JSON.parse(text) : {}) as Answer['seen'];
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, seen });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  it('leads HTTP to HTTPS under the name that was asked for', async () => {
    const answer = await ask('/v1/search?q=x', { plain: true, host: 'cloud.example.org' });
    expect([answer.status, answer.headers.location]).toEqual([
      301,
      'https://cloud.example.org/v1/search?q=x',
    ]);
  });

  it('misdirects every other name, whatever it presents itself as', async () => {
    expect((await ask('/', { host: 'evil.example.com' })).status).toBe(421);
    expect((await ask('/', { host: 'evil.example.com', plain: true })).status).toBe(421);
    expect((await ask('/', { host: '127.0.0.1', servername: '' })).status).toBe(421);
  });

  it('serves each name from its own service, with HSTS and without its version', async () => {
    for (const name of ['api', 'cloud', 'mapper']) {
      const { status, headers, seen } = await ask('/a%20b?c=d', { host: `${name}.example.org` });
      expect([status, seen.url, seen.headers['host']]).toEqual([200, '/a%20b?c=d', `${name}.example.org`]);
      expect(headers['strict-transport-security']).toBe('max-age=63072000');
      expect(headers.server).toBe('nginx');
    }
  });

  it('tells the service who asked, not what the client says about itself', async () => {
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'http',
      'x-real-ip': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
      'x-request-id': 'mine',
    };
    const { seen } = await ask('/', { headers });
    expect(seen.headers['x-forwarded-for']).toMatch(/^[\d.]+$/);
    expect(JSON.stringify(seen.headers)).not.toMatch(/6\.6\.6\.6|mine/);
    expect(seen.headers['x-forwarded-proto']).toBe('https');
    expect(seen.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  it('speaks TLS 1.2 and 1.3 with forward secrecy, HTTP/2 where asked, and keeps no tickets', async () => {
    const shake = async (
      options: object,
    ): Promise<{ protocol: string | null; alpn: string | false | null; cipher: string; ticket: boolean }> =>
      await new Promise((resolve, reject) => {
        const socket = connect(
          {
            port: ports.https,
            host: '127.0.0.1',
            servername: 'api.example.org',
            rejectUnauthorized: false,
            ...options,
          },
          () => {
            const ticket = socket.getTLSTicket() !== undefined;
            resolve({
              protocol: socket.getProtocol(),
              alpn: socket.alpnProtocol,
              cipher: socket.getCipher().name,
              ticket,
            });
            socket.destroy();
          },
        );
        socket.on('error', reject);
      });
    expect(await shake({ ALPNProtocols: ['h2', 'http/1.1'] })).toMatchObject({
      protocol: 'TLSv1.3',
      alpn: 'h2',
    });
    expect(await shake({ maxVersion: 'TLSv1.2' })).toMatchObject({
      protocol: 'TLSv1.2',
      cipher: expect.stringMatching(/^ECDHE-/),
      ticket: false,
    });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    await expect(shake(old)).rejects.toThrow();
    await expect(shake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })).rejects.toThrow();
  });

  it('limits bodies and headers', async () => {
    const body = 'x'.repeat(1024 ** 2 + 1);
    expect((await ask('/', { method: 'POST', body })).status).toBe(413);
    expect((await ask('/', { method: 'POST', body, host: 'cloud.example.org' })).status).toBe(200);
    expect((await ask('/', { headers: { x: 'x'.repeat(20_000) } })).status).toBe(400);
  });

  it('hands on an upgrade to a websocket, and no other', async () => {
    const upgrade = async (to: string): Promise<string> =>
      await new Promise((resolve, reject) => {
        const socket = connect(
          {
            port: ports.https,
            host: '127.0.0.1',
            servername: 'cloud.example.org',
            rejectUnauthorized: false,
          },
          () => {
            socket.write(
              `GET /live HTTP/1.1\r\nHost: cloud.example.org\r\nConnection: Upgrade\r\nUpgrade: ${to}\r\n\r\n`,
            );
          },
        );
        let text = '';
        socket.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
          if (/101 Switching/.test(text) && !text.includes('ping')) socket.write('ping');
          else if (/ping|200 OK/.test(text)) {
            resolve(text);
            socket.destroy();
          }
        });
        socket.on('error', reject);
      });
    expect(await upgrade('WebSocket')).toMatch(/^HTTP\/1\.1 101[^]*ping$/);
    expect(await upgrade('h2c')).toMatch(/^HTTP\/1\.1 200/);
  });

  it('tries another replica for a GET that died, and never sends a POST twice', async () => {
    const deaths = async (): Promise<number> => {
      const counts = new Map<string, number>();
      for (let call = 0; call < 40; call += 1) {
        const { seen } = await ask('/count');
        counts.set(seen.host, seen.died);
      }
      expect(counts.size).toBe(2);
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    };
    const before = await deaths();
    expect((await ask('/die', { method: 'POST', body: 'x' })).status).toBe(502);
    const between = await deaths();
    expect(between).toBe(before + 1);
    expect((await ask('/die')).status).toBe(502);
    expect(await deaths()).toBe(between + 2);
  });

  it('loses no request when a replica goes, and finds it when it is back, without a reload', async () => {
    const [first = ''] = (await compose(folder, ['ps', '--quiet', 'api'])).stdout.split('\n');
    const statuses: number[] = [];
    let [end, enough] = [Infinity, Infinity];
    const killing = promisify(execFile)('docker', ['kill', first]).finally(() => {
      // nginx asks for the addresses anew each second.
      [end, enough] = [Date.now() + 3_000, statuses.length + 30];
    });
    const asking = (async () => {
      while (Date.now() < end || statuses.length < enough) statuses.push((await ask('/')).status);
    })();
    await Promise.all([asking, killing]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    docker('start', first);
    const hosts = new Set<string>();
    await expect.poll(async () => hosts.add((await ask('/')).seen.host).size, { timeout: 15_000 }).toBe(2);
  });

  it('logs every request as JSON, and nothing that was searched for', async () => {
    await ask('/v1/search?q=hush-private');
    await ask('/die?q=hush-private');
    await expect
      .poll(() => docker('logs', proxy).trim().split('\n').at(-1), { timeout: 20_000 })
      .toContain('"/die"');
    const logs = docker('logs', proxy).trim().split('\n');
    const entries = logs.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.at(-2)).toMatchObject({
      path: '/v1/search',
      status: 200,
      host: 'api.example.org',
      upstream_status: '200',
    });
    const both = execFileSync('sh', ['-c', 'docker logs "$0" 2>&1', proxy], { encoding: 'utf8' });
    expect(both).not.toContain('hush');
  });

  it.each(Object.keys(goldenStacks))('is accepted by nginx -t as %s is rendered', (environment) => {
    const given = goldenStacks[environment] ?? {};
    const other = writeStack({ ...builtStack(given).stack, secrets: certificate() });
    try {
      const flags = [
        '--rm',
        '--read-only',
        '--user',
        '101:101',
        '--tmpfs',
        '/tmp',
        '--network',
        'none',
        '--entrypoint',
        'nginx',
      ];
      const mounts = [
        '--volume',
        `${other}/proxy:/etc/portiere:ro`,
        '--volume',
        `${other}/secrets:/run/secrets:ro`,
      ];
      execFileSync('chmod', ['755', join(other, 'secrets')]);
      docker('run', ...flags, ...mounts, images['proxy'] ?? '', '-t', '-c', '/etc/portiere/nginx.conf');
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});

/** A whole production proxy over backends that tell what they were asked. */
function stackOfBackends(): Stack {
  const { stack } = builtStack(goldenStacks['prod']);
  const kept = stack.services.filter(({ name }) => ['api', 'cloud', 'mapper', 'proxy'].includes(name));
  const small = { reserve: null, cpus: 1, memory: 128 * 1024 ** 2, pids: 64 };
  const services = kept.map((service): Service => {
    const bare = { ...service, dependsOn: [], resources: small, inputs: {}, stopGrace: 2 };
    if (service.name === 'proxy') {
      const free = service.ports.map((port) => ({ ...port, bind: '127.0.0.1', published: null }));
      return { ...bare, image: { reference: images['proxy'] ?? '', build: null }, ports: free };
    }
    const port = stack.sites.find((site) => site.service === service.name)?.port ?? 0;
    return {
      ...bare,
      image: { reference: images['node'] ?? '', build: null },
      entrypoint: null,
      command: ['node', '-e', backend],
      environment: { PORT: String(port) },
      secrets: [],
      mounts: [],
      networks: ['front'],
      healthcheck: null,
      replicas: service.name === 'api' ? 2 : 1,
    };
  });
  const networks = stack.networks.filter(({ name }) => name === 'front');
  return { ...stack, namespace, services, networks, volumes: [], secrets: certificate() };
}

function certificate(): Stack['secrets'] {
  const at = mkdtempSync(join(tmpdir(), 'portiere-certificate-'));
  try {
    const [key, crt] = [join(at, 'key'), join(at, 'crt')];
    const subject = ['-subj', '/CN=example.org', '-addext', 'subjectAltName=DNS:*.example.org', '-days', '2'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', crt], {
      stdio: 'pipe',
    });
    return [
      { name: 'tls.crt', content: new Secret(readFileSync(crt, 'utf8')) },
      { name: 'tls.key', content: new Secret(readFileSync(key, 'utf8')) },
    ];
  } finally {
    rmSync(at, { recursive: true });
  }
}
