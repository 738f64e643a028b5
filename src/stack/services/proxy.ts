import { isOn } from '../../config/service-layers.ts';
import { defaultImages } from '../defaults.ts';
import type { Port, Service, Site } from '../model.ts';
import { hardened, imageOf, type Making, secret, service } from '../service.ts';

const httpPort = 8080;
const httpsPort = 8443;
/** Answers the health probe, inside the container alone. */
export const probePort = 8081;
const ports = { api: 8000, cloud: 3000, mapper: 3001 } as const;

/** The reverse proxy, the only service with ports on this machine. */
export function proxy(making: Making): Service {
  const { config } = making;
  const usesTls = config.settings.TLS === 'on';
  return service(making, 'proxy', {
    image: imageOf(making, 'proxy', { standard: defaultImages.proxy }),
    command: ['nginx', '-c', '/etc/portiere/nginx.conf', '-g', 'daemon off;'],
    networks: ['front'],
    ports: published(making),
    mounts: [
      { kind: 'rendered', file: 'proxy/nginx.conf', target: '/etc/portiere/nginx.conf' },
      { kind: 'memory', target: '/tmp', bytes: 64 * 1024 ** 2 },
    ],
    secrets: usesTls ? [secret('tls.crt'), secret('tls.key')] : [],
    dependsOn: (['api', 'cloud', 'mapper'] as const).map((name) => ({
      service: name,
      condition: 'healthy' as const,
    })),
    healthcheck: {
      test: ['sh', '-c', probe],
      interval: 3,
      timeout: 5,
      retries: 5,
      startPeriod: 20,
    },
    security: hardened(making, '101:101'),
  });
}

const probeAddress = `http://127.0.0.1:${probePort}/`;
const probe = `curl -fsS -o /dev/null ${probeAddress} || wget -qO /dev/null ${probeAddress} || bash -c 'exec 3<>/dev/tcp/127.0.0.1/${probePort}'`;

/**
 * What the proxy serves: by host name on its one port; where nobody gave names (dev, test), each service also on a
 * port of its own.
 */
export function sites(making: Making): readonly Site[] {
  const { config, base } = making;
  const { settings } = config;
  const tls = settings.TLS === 'on';
  const listen = tls ? httpsPort : httpPort;
  const apiDomain =
    settings.API_DOMAIN || (base === 'prod' ? hostOf(settings.NEXT_PUBLIC_API_URL) : null) || null;
  const on = (['api', 'cloud', 'mapper'] as const).filter((name) => isOn(config.services, name));
  const domains = {
    api: apiDomain,
    cloud: settings.CLOUD_DOMAIN || null,
    mapper: settings.MAPPER_DOMAIN || null,
  };
  return on.flatMap((name): Site[] => {
    const own = { service: name, port: ports[name], tls };
    const byName =
      name === 'api' || domains[name] !== null ? [{ ...own, domain: domains[name], listen }] : [];
    const byPort = base === 'prod' ? [] : [{ ...own, tls: false, domain: null, listen: ports[name] }];
    return [...byName, ...byPort];
  });
}

function published(making: Making): readonly Port[] {
  const { config, base } = making;
  const { settings } = config;
  const pick = (port: number): number | null => (base === 'test' ? null : port);
  const bind = settings.PROXY_BIND;
  const own = { api: settings.API_PORT, cloud: settings.CLOUD_PORT, mapper: settings.MAPPER_PORT };
  const byPort = sites(making).filter(({ listen }) => listen < httpPort);
  return [
    { bind, published: pick(settings.PROXY_HTTP_PORT), target: httpPort },
    ...(settings.TLS === 'on'
      ? [{ bind, published: pick(settings.PROXY_HTTPS_PORT), target: httpsPort }]
      : []),
    ...byPort.map(({ service: name, listen }) => ({
      bind: '127.0.0.1',
      published: pick(own[name]),
      target: listen,
    })),
  ];
}

function hostOf(url: string | undefined): string | null {
  return url === undefined ? null : new URL(url).hostname;
}
