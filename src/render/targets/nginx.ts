import { PortiereError } from '../../errors.ts';
import type { Service, Site, Stack } from '../../stack/model.ts';
import { probePort } from '../../stack/services/proxy.ts';
import {
  nginxCount,
  nginxHost,
  nginxHttpsPort,
  nginxListen,
  nginxPath,
  nginxPort,
  nginxSize,
  type NginxText,
  nginxWords,
} from '../encode/nginx.ts';
import { fill, joined } from '../fill.ts';
import { withHeader } from '../header.ts';
import { type Sources, type Target, templateOf } from '../target.ts';

const MiB = 1024 ** 2;
/** The largest request body, by service. */
const bodies: Readonly<Record<Site['service'], number>> = { api: MiB, cloud: 10 * MiB, mapper: 10 * MiB };

/** The configuration of the reverse proxy, where there is one. */
export const nginx: Target = {
  name: 'nginx',
  templates: ['nginx', 'tls', 'hsts', 'site', 'private', 'redirect', 'unknown'].map(
    (name) => `nginx/${name}.conf`,
  ),
  files(stack, sources) {
    const proxy = stack.services.find(({ name }) => name === 'proxy');
    if (proxy === undefined) return [];
    const text = configuration(stack, proxy, sources);
    return [{ path: 'proxy/nginx.conf', content: withHeader(stack, '#', text), mode: 0o644 }];
  },
};

function configuration({ sites, base }: Stack, proxy: Service, sources: Sources): string {
  const usesTls = sites.some(({ tls }) => tls);
  const answered = sites.map((site) => siteServer(site, sources, base));
  return fill<'nginx'>(templateOf(sources, 'nginx/nginx.conf'), {
    workers: nginxCount(Math.ceil(proxy.resources.cpus), 'services.proxy.resources.cpus'),
    probePort: nginxPort(probePort, 'the probe port'),
    tls: usesTls ? tlsOf(proxy, sources) : nginxWords(''),
    servers: joined([
      ...answered,
      ...redirects(sites, proxy, sources),
      ...unknownHosts(sites, proxy).map((listen) =>
        fill<'nginx'>(templateOf(sources, 'nginx/unknown.conf'), { listen }),
      ),
    ]),
  });
}

function siteServer(site: Site, sources: Sources, base: Stack['base']): NginxText {
  const isPublic = site.service === 'api' && base === 'prod';
  return fill<'nginx'>(templateOf(sources, 'nginx/site.conf'), {
    listen: nginxListen(site.listen, { tls: site.tls, isDefault: site.domain === null }),
    name: serverName(site),
    body: nginxSize(bodies[site.service], `the largest body of ${site.service}`),
    headers: site.tls ? fill<'nginx'>(templateOf(sources, 'nginx/hsts.conf'), {}) : nginxWords(''),
    private: isPublic ? fill<'nginx'>(templateOf(sources, 'nginx/private.conf'), {}) : nginxWords(''),
    service: nginxHost(site.service, 'a service'),
    port: nginxPort(site.port, `the port of ${site.service}`),
  });
}

function serverName({ domain, service }: Site): NginxText {
  return domain === null ? nginxWords('_') : nginxHost(domain, `the host name of ${service}`);
}

function tlsOf(proxy: Service, sources: Sources): NginxText {
  const pathOf = (name: string): NginxText => {
    const use = proxy.secrets.find(({ secret }) => secret === name);
    if (use === undefined) throw new PortiereError('BUG', `The proxy serves TLS without ${name}.`);
    return nginxPath(use.path, `the path of ${name}`);
  };
  return fill<'nginx'>(templateOf(sources, 'nginx/tls.conf'), {
    certificate: pathOf('tls.crt'),
    key: pathOf('tls.key'),
  });
}

/** A published port that no site listens on sends its visitors to the same host on the HTTPS port. */
function redirects(sites: readonly Site[], proxy: Service, sources: Sources): readonly NginxText[] {
  return redirectPorts(sites, proxy).flatMap((listen) =>
    sites
      .filter(({ tls }) => tls)
      .map((site) =>
        fill<'nginx'>(templateOf(sources, 'nginx/redirect.conf'), {
          listen: nginxListen(listen, { tls: false, isDefault: site.domain === null }),
          name: serverName(site),
          host: site.domain === null ? nginxWords('$host') : serverName(site),
          publicPort: publicPort(site, proxy),
        }),
      ),
  );
}

function publicPort({ listen }: Site, proxy: Service): NginxText {
  const published = proxy.ports.find(({ target }) => target === listen)?.published ?? 443;
  return nginxHttpsPort(published, 'the published HTTPS port');
}

/** Where every site has a name, other host names are misdirected. */
function unknownHosts(sites: readonly Site[], proxy: Service): readonly NginxText[] {
  const secure = sites.filter(({ tls }) => tls);
  const served = [...new Set(sites.map(({ listen }) => listen))].map((listen) => ({
    listen,
    on: sites.filter((site) => site.listen === listen),
  }));
  const redirected = redirectPorts(sites, proxy).map((listen) => ({ listen, on: secure }));
  return [...served, ...redirected]
    .filter(({ on }) => on.every(({ domain }) => domain !== null))
    .map(({ listen, on }) =>
      nginxListen(listen, { tls: on.some((site) => site.tls && site.listen === listen), isDefault: true }),
    );
}

function redirectPorts(sites: readonly Site[], proxy: Service): readonly number[] {
  const served = new Set(sites.map(({ listen }) => listen));
  return proxy.ports.map(({ target }) => target).filter((target) => !served.has(target));
}
