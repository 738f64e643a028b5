import { describe, expect, it } from 'vitest';

import { revealed } from '../../src/config/secret.ts';
import type { Stack } from '../../src/stack/model.ts';
import { nginx } from '../../src/render/targets/nginx.ts';
import { type ParsedServer, parseNginx, serversIn } from '../support/nginx-conf.ts';
import {
  builtStack,
  everyService,
  goldenStacks,
  prodEnvironment,
  sourcesOf,
  type StackGiven,
  tlsFacts,
} from '../support/stack.ts';

const cases: Readonly<Record<string, StackGiven>> = {
  ...goldenStacks,
  'dev with the api alone': {},
  'dev with host names': {
    env: { API_DOMAIN: 'api.test', CLOUD_DOMAIN: 'cloud.test' },
    file: { services: everyService },
  },
  'dev with TLS and no names': { env: { TLS: 'on', TLS_CERT: 'c', TLS_KEY: 'k' }, facts: tlsFacts },
  'prod behind a load balancer': {
    environment: 'prod',
    env: { ...prodEnvironment, TLS: 'off' },
    file: { services: everyService, waive: { 'tls-off': 'TLS ends at our load balancer' } },
  },
};

const serversOf = (stack: Stack): readonly ParsedServer[] => {
  const [file] = nginx.files(stack, sourcesOf());
  return serversIn(parseNginx(revealed(file?.content ?? '')));
};

describe.each(Object.keys(cases))('the configuration of the proxy: %s', (name) => {
  const { stack } = builtStack(cases[name]);
  const servers = serversOf(stack);
  const ports = stack.services.find((service) => service.name === 'proxy')?.ports ?? [];

  it('has exactly the sites of the model, each with its host name, port and target', () => {
    const passing = servers.filter(({ target }) => target !== undefined);
    expect(passing).toEqual(
      stack.sites.map(({ domain, listen, service, port, tls }) => ({
        listen: String(listen),
        names: [domain ?? '_'],
        target: `http://${service}:${port}`,
        returns: undefined,
        secure: tls,
      })),
    );
  });

  it('keeps /metrics inside, in prod', () => {
    const found = nginx.files(stack, sourcesOf())[0];
    const text = revealed(found?.content ?? '');
    expect(text.match(/location = \/metrics/g) ?? []).toHaveLength(stack.base === 'prod' ? 1 : 0);
  });

  it('listens exactly where ports are published, and for the probe', () => {
    expect(new Set(servers.map(({ listen }) => listen))).toEqual(
      new Set(['127.0.0.1:8081', ...ports.map(({ target }) => String(target))]),
    );
  });

  it('has one server for whoever asks for no known name, which passes nothing where every site has a name', () => {
    for (const { target: port } of ports) {
      const [other, ...more] = servers.filter(
        ({ listen, names }) => listen === String(port) && names.includes('_'),
      );
      expect(more).toEqual([]);
      const isNamed = stack.sites.every(({ listen, domain }) => listen !== port || domain !== null);
      if (isNamed && stack.sites.some(({ listen }) => listen === port)) expect(other?.returns).toBe('421');
    }
  });

  it('holds nothing else', () => {
    const known = (server: ParsedServer): boolean =>
      server.target !== undefined ||
      server.returns === '421' ||
      server.returns?.startsWith('301 https://') === true ||
      server.listen === '127.0.0.1:8081';
    expect(servers.filter((server) => !known(server))).toEqual([]);
  });
});

describe('HTTP where the sites are served by HTTPS', () => {
  const redirects = (given: StackGiven): readonly (string | undefined)[] =>
    serversOf(builtStack(given).stack)
      .filter(({ returns }) => returns?.startsWith('301') === true)
      .map(({ listen, names, returns }) => `${listen} ${names.join(' ')} ${returns}`);
  const prod = goldenStacks['prod'] ?? {};

  it('leads each name to itself', () => {
    expect(redirects(prod)).toEqual(
      ['api', 'cloud', 'mapper'].map(
        (name) => `8080 ${name}.example.org 301 https://${name}.example.org$request_uri`,
      ),
    );
  });

  it('names the port where it is not 443', () => {
    const env = { ...prodEnvironment, PROXY_HTTPS_PORT: '9443' };
    expect(redirects({ ...prod, env })[0]).toContain('https://api.example.org:9443$request_uri');
    expect(redirects(cases['dev with TLS and no names'] ?? {})).toEqual([
      '8080 _ 301 https://$host:8443$request_uri',
    ]);
  });
});

describe('values that could be structure', () => {
  it.each(['a;b', 'a{', 'a}server{', 'a\nb', '$host', 'a"b', 'a#b', 'a b', 'a\\'])(
    'a domain %j is refused',
    (domain) => {
      const { stack } = builtStack({ environment: 'dev' });
      const hostile = { ...stack, sites: stack.sites.map((site) => ({ ...site, domain })) };
      expect(() => serversOf(hostile)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('a port, a path of a secret and a worker count are refused too', () => {
    const { stack } = builtStack(goldenStacks['prod']);
    const proxy = (change: object): Stack => ({
      ...stack,
      services: stack.services.map((one) => (one.name === 'proxy' ? { ...one, ...change } : one)),
    });
    const secrets = [
      { secret: 'tls.crt', path: '/a;b' },
      { secret: 'tls.key', path: '/k' },
    ];
    expect(() => serversOf(proxy({ secrets }))).toThrow(/path of tls\.crt/);
    expect(() => serversOf(proxy({ resources: { cpus: 5000 } }))).toThrow(/cpus/);
    const [site] = stack.sites;
    if (site === undefined) throw new Error('no site');
    expect(() => serversOf({ ...stack, sites: [{ ...site, port: 0 }] })).toThrow(/port of api/);
  });
});

describe('the reader of these tests', () => {
  it('sees a server that was smuggled in', () => {
    const text = 'http { server { listen 1; server_name a; } server { listen 2 ssl; return 301 "x;}"; } }';
    expect(serversIn(parseNginx(text))).toMatchObject([
      { listen: '1', names: ['a'] },
      { listen: '2', secure: true, returns: '301 x;}' },
    ]);
    expect(() => parseNginx('http { ')).toThrow();
    expect(() => parseNginx('}')).toThrow();
  });
});
