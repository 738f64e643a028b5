import { stackEnvironments } from '../base-environment.ts';
import {
  boolean,
  choice,
  collectionName,
  databaseName,
  host,
  indexName,
  javaOptions,
  nodeUrls,
  optionalUrl,
  path,
  port,
  secretText,
  userName,
} from './kind.ts';
import type { SettingRows } from './setting.ts';

/** The stack's own service, unless it is run by somebody else. */
function inStack(value: string): Readonly<Record<(typeof stackEnvironments)[number], string>> {
  return { dev: value, test: value, prod: value };
}

export const postgresSettings = {
  DB_HOST: {
    section: 'PostgreSQL',
    kind: host,
    default: 'localhost',
    defaults: inStack('postgres'),
    requiredIn: stackEnvironments,
    help: 'PostgreSQL host.',
  },
  DB_PORT: {
    section: 'PostgreSQL',
    kind: port,
    default: '5432',
    help: 'PostgreSQL port.',
  },
  DB_NAME: {
    section: 'PostgreSQL',
    kind: databaseName,
    default: 'portiere',
    requiredIn: stackEnvironments,
    pair: 'POSTGRES_DB',
    help: 'PostgreSQL database name.',
  },
  DB_USER: {
    section: 'PostgreSQL',
    kind: databaseName,
    default: 'portiere',
    requiredIn: stackEnvironments,
    pair: 'POSTGRES_USER',
    help: 'PostgreSQL user.',
  },
  DB_PASSWORD: {
    section: 'PostgreSQL',
    kind: secretText,
    secret: true,
    generatedIn: stackEnvironments,
    requiredIn: stackEnvironments,
    pair: 'POSTGRES_PASSWORD',
    help: 'PostgreSQL password.',
  },
  POSTGRES_DB: {
    section: 'PostgreSQL',
    kind: databaseName,
    default: 'portiere',
    requiredIn: stackEnvironments,
    pair: 'DB_NAME',
    help: 'Database name of the PostgreSQL container; always equal to DB_NAME.',
  },
  POSTGRES_USER: {
    section: 'PostgreSQL',
    kind: databaseName,
    default: 'portiere',
    requiredIn: stackEnvironments,
    pair: 'DB_USER',
    help: 'Database user of the PostgreSQL container; always equal to DB_USER.',
  },
  POSTGRES_PASSWORD: {
    section: 'PostgreSQL',
    kind: secretText,
    secret: true,
    requiredIn: stackEnvironments,
    pair: 'DB_PASSWORD',
    help: 'Database password of the PostgreSQL container; always equal to DB_PASSWORD.',
  },
} as const satisfies SettingRows;

export const redisSettings = {
  REDIS_HOST: {
    section: 'Redis',
    kind: host,
    default: 'localhost',
    defaults: inStack('redis'),
    requiredIn: stackEnvironments,
    help: 'Redis host.',
  },
  REDIS_PORT: {
    section: 'Redis',
    kind: port,
    default: '6379',
    help: 'Redis port.',
  },
  REDIS_PASSWORD: {
    section: 'Redis',
    kind: secretText,
    secret: true,
    generatedIn: stackEnvironments,
    help: 'Redis password.',
  },
} as const satisfies SettingRows;

export const milvusSettings = {
  MILVUS_URL: {
    section: 'Milvus',
    kind: optionalUrl,
    default: '',
    help: 'Milvus 2.3 or later, where DENSE_ENGINE is milvus, such as http://milvus:19530; blank: none.',
  },
  MILVUS_TOKEN: {
    section: 'Milvus',
    kind: secretText,
    secret: true,
    help: 'Who we are to Milvus, as user:password or as an API key; unset where it asks nobody.',
  },
  MILVUS_COLLECTION: {
    section: 'Milvus',
    kind: collectionName,
    default: 'concepts',
    help: 'Alias of the published collection; environments that share one Milvus need one each.',
  },
} as const satisfies SettingRows;

export const elasticsearchSettings = {
  ELASTICSEARCH_URL: {
    section: 'Elasticsearch',
    kind: nodeUrls,
    default: 'http://localhost:9200',
    defaults: inStack('http://elasticsearch:9200'),
    requiredIn: stackEnvironments,
    help: 'Elasticsearch URL; several nodes of one cluster separated by commas: one that is lost is stood in for.',
  },
  ELASTICSEARCH_INDEX: {
    section: 'Elasticsearch',
    kind: indexName,
    default: 'concepts',
    help: 'Alias of the published index; environments that share one Elasticsearch need one each.',
  },
  ELASTICSEARCH_REPLICAS: {
    section: 'Elasticsearch',
    kind: choice(['auto', '0', '1', '2', '3']),
    default: 'auto',
    help: 'Copies of an index besides the first, while it is loaded too; auto: one where there is a second node.',
  },
  ELASTICSEARCH_FORCE_MERGE: {
    section: 'Elasticsearch',
    kind: boolean,
    default: 'false',
    help: 'Merge a loaded index into one segment: longer to load, quicker to search.',
  },
  ELASTICSEARCH_REFUSED: {
    section: 'Elasticsearch',
    kind: choice(['fail', 'skip']),
    default: 'fail',
    help: 'What a concept that Elasticsearch refuses for good does to a load; skip leaves it out and says so.',
  },
  ELASTICSEARCH_USERNAME: {
    section: 'Elasticsearch',
    kind: userName,
    default: 'elastic',
    help: "User that ELASTIC_PASSWORD is of; the stack's own Elasticsearch has elastic.",
  },
  ELASTIC_PASSWORD: {
    section: 'Elasticsearch',
    kind: secretText,
    secret: true,
    generatedIn: stackEnvironments,
    help: 'Password of ELASTICSEARCH_USERNAME; needed where xpack.security.enabled is true.',
  },
  ELASTICSEARCH_API_KEY: {
    section: 'Elasticsearch',
    kind: secretText,
    secret: true,
    help: 'API key (encoded) for an Elasticsearch of somebody else; it goes before user and password.',
  },
  ELASTICSEARCH_CA_FILE: {
    section: 'Elasticsearch',
    kind: path({ blank: true }),
    default: '',
    help: 'PEM file of the authority that signed the certificate of Elasticsearch; blank: those that Node trusts.',
  },
  ES_JAVA_OPTS: {
    section: 'Elasticsearch',
    kind: javaOptions,
    default: '-Xms512m -Xmx512m',
    help: 'JVM heap settings; -Xms and -Xmx must be equal.',
  },
  'discovery.type': {
    section: 'Elasticsearch',
    kind: choice(['single-node', 'multi-node']),
    default: 'single-node',
    help: 'Cluster discovery type.',
  },
  'xpack.security.enabled': {
    section: 'Elasticsearch',
    kind: boolean,
    default: 'false',
    defaults: { prod: 'true' },
    help: 'Enable X-Pack security.',
  },
} as const satisfies SettingRows;
