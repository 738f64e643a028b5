import type { Config } from '../config/config.ts';
import { isOn } from '../config/service-layers.ts';
import type { Problem } from '../errors.ts';
import type { Service, Stack } from './model.ts';
import { refusesReplicas } from './replicas.ts';
import { heapBytes } from './services/elasticsearch.ts';
import { isLoopback } from '../config/loopback.ts';

type Rule = (stack: Stack, config: Config) => readonly Problem[];

const rules: readonly Rule[] = [
  hostsAreRenderedOrExternal,
  brokerIsRenderedOrExternal,
  heapIsAtMostHalfTheLimit,
  publishedPortsDiffer,
  dataLiesOnVolumes,
  reservationsFitLimits,
  tlsIsServed,
  domainsAreNamed,
  domainsDiffer,
  replicasArePossible,
  imagesArePinned,
];

/** What is wrong with a stack as a whole; nothing is rendered while anything is. */
export function stackProblems(stack: Stack, config: Config): readonly Problem[] {
  return rules.flatMap((rule) => rule(stack, config));
}

function hostsAreRenderedOrExternal(_: Stack, { settings, services }: Config): readonly Problem[] {
  const nodes = settings.ELASTICSEARCH_URL.map((one) => new URL(one));
  const wanted = [
    { name: 'postgres', setting: 'DB_HOST', host: settings.DB_HOST, port: settings.DB_PORT, own: 5432 },
    { name: 'redis', setting: 'REDIS_HOST', host: settings.REDIS_HOST, port: settings.REDIS_PORT, own: 6379 },
    ...nodes.map(
      ({ hostname: host, port, protocol }) =>
        ({
          name: 'elasticsearch',
          setting: 'ELASTICSEARCH_URL',
          host,
          port: Number(port) || (protocol === 'https:' ? 443 : 80),
          own: 9200,
        }) as const,
    ),
  ] as const;
  return wanted.flatMap(({ name, setting, host, port, own }): Problem[] => {
    if (services[name]?.external === true) {
      return isLoopback(host) || host === name
        ? [
            {
              path: setting,
              reason: `${host} is not where an external ${name} can be reached from a container; name its address in the network`,
            },
          ]
        : [];
    }
    if (!isOn(services, name)) {
      return [
        {
          path: setting,
          reason: `${host} is neither rendered nor external`,
          suggestion: `services.${name}.external: true`,
        },
      ];
    }
    if (host !== name) {
      return [
        {
          path: setting,
          reason: `${host} is neither a rendered service nor external: the stack's own is ${name}`,
          suggestion: `${setting}=${setting === 'ELASTICSEARCH_URL' ? `http://${name}:${own}` : name}, or services.${name}.external: true`,
        },
      ];
    }
    return port === own
      ? []
      : [
          {
            path: setting.replace('_HOST', '_PORT'),
            reason: `the stack's own ${name} listens on ${own}, not ${port}`,
          },
        ];
  });
}

function brokerIsRenderedOrExternal({ services }: Stack, config: Config): readonly Problem[] {
  const given = config.settings.CELERY_BROKER_URL?.reveal() ?? '';
  const used = services.some(({ name }) => name.startsWith('celery'));
  if (!used || given === '') return [];
  const { hostname } = new URL(given);
  const external = config.services.redis?.external === true && hostname === config.settings.REDIS_HOST;
  const known = external || services.some(({ name }) => name === hostname) || /[.:]/.test(hostname);
  return known
    ? []
    : [{ path: 'CELERY_BROKER_URL', reason: `its host ${hostname} is neither rendered nor external` }];
}

function heapIsAtMostHalfTheLimit({ services }: Stack, { settings }: Config): readonly Problem[] {
  const limit = services.find(({ name }) => name === 'elasticsearch')?.resources.memory;
  const heap = heapBytes(settings.ES_JAVA_OPTS);
  if (limit === undefined || heap * 2 <= limit) return [];
  return [
    {
      path: 'ES_JAVA_OPTS',
      reason: `a heap of ${mebibytes(heap)} is above half of elasticsearch's memory limit of ${mebibytes(limit)}`,
      suggestion: `services.elasticsearch.resources.memory: ${mebibytes(heap * 2).replace(' MiB', 'm')}`,
    },
  ];
}

function publishedPortsDiffer({ services }: Stack): readonly Problem[] {
  const taken = new Map<number, string>();
  return services.flatMap((service) =>
    service.ports.flatMap(({ published, target }): Problem[] => {
      if (published === null) return [];
      const what = `${service.name}:${target}`;
      const holder = taken.get(published);
      taken.set(published, holder ?? what);
      return holder === undefined
        ? []
        : [
            {
              path: `services.${service.name}`,
              reason: `port ${published} of this machine is wanted by ${holder} and ${what}`,
            },
          ];
    }),
  );
}

function dataLiesOnVolumes({ services }: Stack): readonly Problem[] {
  return services.flatMap((service) =>
    service.dataPaths
      .filter((path) => !coveredByVolume(service, path))
      .map((path) => ({
        path: `services.${service.name}`,
        reason: `its data at ${path} is on no named volume`,
      })),
  );
}

/** Whether a path in the container lies on a named volume, mounted there or above. */
export function coveredByVolume({ mounts }: Service, path: string): boolean {
  return mounts.some(
    (mount) =>
      (mount.kind === 'volume' || mount.kind === 'bind') &&
      (path === mount.target || path.startsWith(`${mount.target}/`)),
  );
}

function reservationsFitLimits({ services }: Stack): readonly Problem[] {
  return services.flatMap(({ name, resources: { memory, cpus, reserve } }): Problem[] => {
    if (reserve === null || (reserve.memory <= memory && reserve.cpus <= cpus)) return [];
    return [{ path: `services.${name}.resources`, reason: 'reserves more than its limit' }];
  });
}

function tlsIsServed(
  { base, services, environment }: Stack,
  { settings, waive }: Config,
): readonly Problem[] {
  if (!services.some(({ name }) => name === 'proxy')) return [];
  if (settings.TLS === 'off') {
    return base !== 'prod' || waive['tls-off'] !== undefined
      ? []
      : [
          {
            path: 'TLS',
            reason: `${environment} serves HTTPS; off needs a waiver with its reason`,
            suggestion: '--waive "tls-off=TLS ends at our load balancer"',
          },
        ];
  }
  return (['TLS_CERT', 'TLS_KEY'] as const)
    .filter((name) => settings[name] === '')
    .map((name) => ({ path: name, reason: `is required in ${environment} where TLS is on` }));
}

function domainsAreNamed({ base }: Stack, { services, settings }: Config): readonly Problem[] {
  if (base !== 'prod' || !isOn(services, 'proxy')) return [];
  return (
    [
      ['cloud', 'CLOUD_DOMAIN'],
      ['mapper', 'MAPPER_DOMAIN'],
    ] as const
  )
    .filter(([name, setting]) => isOn(services, name) && settings[setting] === '')
    .map(([name, setting]) => ({ path: setting, reason: `is required in prod where ${name} is on` }));
}

/** nginx would take the first of two sites with one name and say nothing. */
function domainsDiffer({ sites }: Stack): readonly Problem[] {
  return sites.flatMap(({ service, domain, listen }, place): Problem[] => {
    const holder = sites.slice(0, place).find((one) => one.domain === domain && one.listen === listen);
    if (domain === null || holder === undefined) return [];
    return [
      {
        path: `${service.toUpperCase()}_DOMAIN`,
        reason: `${domain} is the host name of ${holder.service} already (where API_DOMAIN is blank, that of NEXT_PUBLIC_API_URL)`,
      },
    ];
  });
}

function replicasArePossible({ services }: Stack): readonly Problem[] {
  return services.flatMap((service): Problem[] => {
    const refusal = refusesReplicas(service, service.replicas);
    return refusal === undefined
      ? []
      : [{ path: `services.${service.name}.replicas`, reason: `cannot be ${service.replicas}: ${refusal}` }];
  });
}

function imagesArePinned({ base, services }: Stack): readonly Problem[] {
  if (base !== 'prod') return [];
  return services.flatMap(({ name, image }): Problem[] => {
    if (image.build !== null || isPinned(image.reference)) return [];
    return [
      {
        path: `services.${name}.image`,
        reason: `${image.reference} is not pinned: name a version or a digest, so that every machine runs the same`,
      },
    ];
  });
}

function isPinned(reference: string): boolean {
  if (reference.includes('@sha256:')) return true;
  const tag = /:([\w][\w.-]*)$/.exec(reference.split('/').at(-1) ?? '')?.[1];
  return tag !== undefined && tag !== 'latest';
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
