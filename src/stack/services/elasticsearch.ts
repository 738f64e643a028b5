import { bytesOf } from '../../config/services.ts';
import { defaultImages } from '../defaults.ts';
import type { Service } from '../model.ts';
import {
  dataNetworks,
  dataPorts,
  hardened,
  imageOf,
  type Making,
  secret,
  secretsAsVariables,
  service,
} from '../service.ts';

const port = 9200;

/** One Elasticsearch node; its heap is half of its memory limit, the other half serves the file cache. */
export function elasticsearch(making: Making): Service {
  const { config } = making;
  const { settings } = config;
  const secured = settings['xpack.security.enabled'];
  return service(making, 'elasticsearch', {
    image: imageOf(making, 'elasticsearch', { standard: defaultImages.elasticsearch }),
    // Not sh: some drop variables with a dot in their names, and settings are given by those.
    entrypoint: secured ? ['bash', ...secretsAsVariables.slice(1)] : null,
    command: secured ? ['/bin/tini', '--', '/usr/local/bin/docker-entrypoint.sh', 'eswrapper'] : null,
    environment: {
      'discovery.type': settings['discovery.type'],
      'xpack.security.enabled': String(secured),
      // The network of the data services has no way in or out; TLS ends at the proxy.
      ...(secured ? { 'xpack.security.http.ssl.enabled': 'false' } : {}),
      'cluster.name': `${config.name}-${config.environment}`,
      ES_JAVA_OPTS: settings.ES_JAVA_OPTS,
    },
    secrets: secured ? [secret('ELASTIC_PASSWORD')] : [],
    networks: dataNetworks(making),
    ports: dataPorts(making, port),
    mounts: [
      {
        kind: 'volume',
        volume: 'elasticsearch-data',
        target: '/usr/share/elasticsearch/data',
        readOnly: false,
      },
    ],
    dataPaths: ['/usr/share/elasticsearch/data'],
    healthcheck: {
      test: ['sh', '-c', secured ? securedProbe : probe],
      interval: 3,
      timeout: 10,
      retries: 20,
      startPeriod: 180,
    },
    resources: limits(making),
    // Its own init is the image's; its entrypoint writes the keystore into the configuration folder.
    init: false,
    security: { ...hardened(making, '1000:0'), readOnlyRoot: false },
    stopGrace: 60,
    startTimeout: 300,
  });
}

const address = `http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=1s`;
const probe = `curl -fsS -o /dev/null '${address}'`;
/** The password reaches curl on its standard input, quoted as its configuration wants it: a command line can be read by others. */
const securedProbe = `printf 'user = "elastic:%s"' "$(sed 's/[\\\\"]/\\\\&/g' /run/secrets/ELASTIC_PASSWORD)" | curl -fsS -K - -o /dev/null '${address}'`;

/** Bytes of the heap that ES_JAVA_OPTS asks for. */
export function heapBytes(options: string): number {
  return bytesOf(/-Xmx(\S+)/.exec(options)?.[1] ?? '512m');
}

function limits(making: Making): Service['resources'] {
  const memory = 2 * heapBytes(making.config.settings.ES_JAVA_OPTS);
  return {
    cpus: 2,
    memory,
    pids: 2048,
    reserve: making.base === 'prod' ? { cpus: 0.5, memory: Math.floor(memory / 2) } : null,
  };
}
