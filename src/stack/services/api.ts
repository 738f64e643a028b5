import path from 'node:path';

import { defaultImages } from '../defaults.ts';
import type { Image, Mount, Service } from '../model.ts';
import { hardened, imageOf, type Making, secret, service } from '../service.ts';

const home = '/app';
const indexFolder = '/data/faiss';
const port = 8000;
/** No secret, but like one it is a file that the container is made anew for. */
const searchCa = secret('elasticsearch-ca.crt');

/** The bundled search API, or an operator's own image in its place. */
export function api(making: Making): Service {
  const { config } = making;
  const isOurs = isOwnImage(making, 'api');
  return service(making, 'api', {
    ...commonParts(making),
    image: apiImage(making, 'api'),
    command: isOurs ? ['portiere', 'serve', '--no-input', '--no-color'] : null,
    environment: {
      ...connection(making, 'api'),
      CORS_ORIGINS: config.settings.CORS_ORIGINS.join(','),
      RATE_LIMIT_PER_MINUTE: String(config.settings.RATE_LIMIT_PER_MINUTE),
      READINESS_STRICT: String(config.settings.READINESS_STRICT),
    },
    secrets: secretsOfApi(making),
    networks: ['back', 'front'],
    dependsOn: [
      { service: 'postgres', condition: 'healthy' },
      { service: 'redis', condition: 'healthy' },
      { service: 'elasticsearch', condition: 'healthy' },
      { service: 'migrate', condition: 'completed' },
      { service: 'index', condition: 'completed' },
    ],
    healthcheck: {
      test: isOurs ? ['node', '/opt/portiere/probe.mjs', probeAddress] : ['sh', '-c', anyProbe],
      interval: 5,
      timeout: 5,
      retries: 6,
      startPeriod: 120,
    },
    stopGrace: 15,
    startTimeout: 180,
  });
}

const probeAddress = `http://127.0.0.1:${port}/health/ready`;
/** Somebody else's image: with whatever it brings. */
const anyProbe = `curl -fsS -o /dev/null ${probeAddress} || wget -qO /dev/null ${probeAddress} || python3 -c 'import urllib.request as r; r.urlopen("${probeAddress}")'`;

/** What the api and the jobs share: they run the same image on the same index. */
export function commonParts(
  making: Making,
): Pick<Service, 'workingFolder' | 'mounts' | 'security' | 'networks' | 'inputs'> {
  const { config, facts } = making;
  const models: Mount[] =
    config.settings.EMBEDDING_MODEL === 'hashing'
      ? []
      : [{ kind: 'bind', source: facts.modelFolder, target: modelInside(making), readOnly: true }];
  return {
    workingFolder: home,
    mounts: [
      { kind: 'rendered', file: 'api/portiere.config.yaml', target: `${home}/portiere.config.yaml` },
      { kind: 'volume', volume: 'index-data', target: indexFolder, readOnly: false },
      { kind: 'memory', target: '/tmp', bytes: 256 * 1024 ** 2 },
      ...models,
    ],
    security: hardened(making, '1000:1000'),
    // What somebody else runs is reached through the network that has a way out.
    networks:
      Object.values(config.services).some(({ external }) => external === true) ||
      config.settings.DENSE_ENGINE === 'milvus'
        ? ['back', 'front']
        : ['back'],
    inputs: {},
  };
}

/** A model's folder under the last part of its name, which is how MODEL_DIR is searched. */
function modelInside({ config }: Making): string {
  return `/models/${config.settings.EMBEDDING_MODEL.split('/').at(-1) ?? ''}`;
}

/** The image of the api, or of a job that runs our code: an operator's own, else the one built from this installation. */
export function apiImage(making: Making, name: 'api' | 'migrate' | 'index'): Image {
  return isOwnImage(making, name) ? ownImage(making) : imageOf(making, name, {});
}

/** Whether a service runs the image that is built from this installation. */
function isOwnImage({ config }: Making, name: 'api' | 'migrate' | 'index'): boolean {
  return config.services[name]?.image === undefined && config.services[name]?.build === undefined;
}

/** The image that is built from this installation; its tag says what is in it. */
function ownImage({ config, facts }: Making): Image {
  const node = config.images.node ?? defaultImages.node;
  const { EMBEDDING_MODEL, DENSE_ENGINE } = config.settings;
  const extras = [
    ...(EMBEDDING_MODEL === 'hashing' ? [] : ['@huggingface/transformers@4.3']),
    ...(DENSE_ENGINE === 'milvus' ? ['@zilliz/milvus2-sdk-node@2.6'] : []),
  ].join(' ');
  const content = facts.fingerprintOf([facts.packageDigest, node, extras]);
  return {
    reference: `portiere/api:${facts.version}-${content}`,
    build: {
      context: { kind: 'rendered' },
      dockerfile: null,
      arguments: { NODE_IMAGE: node, EXTRA_PACKAGES: extras },
      caFile: facts.caFile,
    },
  };
}

/** How a process of ours inside the stack finds everything else. */
export function connection({ config }: Making, name: string): Readonly<Record<string, string>> {
  const { settings } = config;
  return {
    PORTIERE_SERVICE: name,
    PORTIERE_ENV: config.environment,
    API_HOST: '0.0.0.0',
    API_PORT: String(port),
    DB_HOST: settings.DB_HOST,
    DB_PORT: String(settings.DB_PORT),
    DB_NAME: settings.DB_NAME,
    DB_USER: settings.DB_USER,
    REDIS_HOST: settings.REDIS_HOST,
    REDIS_PORT: String(settings.REDIS_PORT),
    ELASTICSEARCH_URL: settings.ELASTICSEARCH_URL.join(','),
    ELASTICSEARCH_INDEX: settings.ELASTICSEARCH_INDEX,
    ELASTICSEARCH_REPLICAS: settings.ELASTICSEARCH_REPLICAS,
    ELASTICSEARCH_FORCE_MERGE: String(settings.ELASTICSEARCH_FORCE_MERGE),
    ELASTICSEARCH_REFUSED: settings.ELASTICSEARCH_REFUSED,
    ELASTICSEARCH_USERNAME: settings.ELASTICSEARCH_USERNAME,
    ...(settings.ELASTICSEARCH_CA_FILE === '' ? {} : { ELASTICSEARCH_CA_FILE: searchCa.path }),
    EMBEDDING_MODEL: settings.EMBEDDING_MODEL,
    EMBEDDING_PRECISION: settings.EMBEDDING_PRECISION,
    EMBEDDING_DEVICE: settings.EMBEDDING_DEVICE,
    EMBEDDING_BATCH_TOKENS: String(settings.EMBEDDING_BATCH_TOKENS),
    ...(settings.EMBEDDING_MODEL === 'hashing' ? {} : { MODEL_DIR: '/models' }),
    FAISS_INDEX_PATH: `${indexFolder}/${path.posix.basename(settings.FAISS_INDEX_PATH)}`,
    DENSE_ENGINE: settings.DENSE_ENGINE,
    ...(settings.DENSE_ENGINE === 'milvus'
      ? { MILVUS_URL: settings.MILVUS_URL, MILVUS_COLLECTION: settings.MILVUS_COLLECTION }
      : {}),
    DENSE_INDEX: settings.DENSE_INDEX,
    DENSE_QUALITY: settings.DENSE_QUALITY,
    DENSE_MEMORY_MB: String(settings.DENSE_MEMORY_MB),
    DENSE_NLIST: String(settings.DENSE_NLIST),
    DENSE_NPROBE: String(settings.DENSE_NPROBE),
    DENSE_EF_SEARCH: String(settings.DENSE_EF_SEARCH),
    INDEX_KEEP: String(settings.INDEX_KEEP),
    VOCABULARIES: settings.VOCABULARIES.join(','),
    LOG_LEVEL: settings.LOG_LEVEL,
    CORS_ORIGINS: '',

    ...secretPaths({ config } as Making),
  };
}

/** `NAME_FILE` of every secret that the process gets. */
function secretPaths(making: Making): Record<string, string> {
  return Object.fromEntries(
    secretsOfApi(making)
      .filter((one) => one !== searchCa)
      .map(({ secret: name, path: file }) => [`${name}_FILE`, file]),
  );
}

export function secretsOfApi({ config }: Making): Service['secrets'] {
  const { settings } = config;
  return [
    secret('DB_PASSWORD'),
    secret('JWT_SECRET'),
    secret('API_KEY_SALT'),
    ...(settings.REDIS_PASSWORD === undefined ? [] : [secret('REDIS_PASSWORD')]),
    ...(settings.ELASTIC_PASSWORD === undefined ? [] : [secret('ELASTIC_PASSWORD')]),
    ...(settings.ELASTICSEARCH_API_KEY === undefined ? [] : [secret('ELASTICSEARCH_API_KEY')]),
    ...(settings.MILVUS_TOKEN === undefined ? [] : [secret('MILVUS_TOKEN')]),
    ...(settings.ELASTICSEARCH_CA_FILE === '' ? [] : [searchCa]),
  ];
}
