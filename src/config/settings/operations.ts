import { boolean, choice, host, optionalHost, path, plainPath, port, token } from './kind.ts';
import type { SettingRows } from './setting.ts';

export const operationsSettings = {
  PORTIERE_ENV: {
    section: 'Operations',
    kind: token,
    default: 'embedded',
    processOnly: true,
    help: 'The environment to work on, where --env is not given.',
  },
  PORTIERE_IMAGES: {
    section: 'Operations',
    kind: path({ blank: true }),
    default: '',
    help: 'YAML file that maps services to container images; it turns on the services it names.',
  },
  PORTIERE_SERVICE: {
    section: 'Operations',
    kind: token,
    processOnly: true,
    help: 'Set by rendered files: the service of a stack that a process is.',
  },
  API_DOMAIN: {
    section: 'Operations',
    kind: optionalHost,
    default: '',
    help: 'Host name the proxy serves the search API under; blank: that of NEXT_PUBLIC_API_URL, else any.',
  },
  CLOUD_DOMAIN: {
    section: 'Operations',
    kind: optionalHost,
    default: '',
    help: 'Host name of Portiere Cloud; prod needs it where cloud is on.',
  },
  MAPPER_DOMAIN: {
    section: 'Operations',
    kind: optionalHost,
    default: '',
    help: 'Host name of Portiere Mapper; prod needs it where mapper is on.',
  },
  PROXY_HTTP_PORT: {
    section: 'Operations',
    kind: port,
    default: '80',
    defaults: { dev: '8080' },
    help: 'Port of this machine on which the proxy takes HTTP; in test the engine picks a free one.',
  },
  PROXY_HTTPS_PORT: {
    section: 'Operations',
    kind: port,
    default: '443',
    defaults: { dev: '8443' },
    help: 'Port of this machine on which the proxy takes HTTPS; in test the engine picks a free one.',
  },
  CLOUD_PORT: {
    section: 'Operations',
    kind: port,
    default: '3000',
    help: 'Port of this machine for Portiere Cloud in dev; in test the engine picks a free one.',
  },
  MAPPER_PORT: {
    section: 'Operations',
    kind: port,
    default: '3001',
    help: 'Port of this machine for Portiere Mapper in dev; in test the engine picks a free one.',
  },
  PROXY_BIND: {
    section: 'Operations',
    kind: host,
    default: '0.0.0.0',
    defaults: { dev: '127.0.0.1', test: '127.0.0.1' },
    help: 'Address of this machine that published ports are bound to.',
  },
  BUILD_CA_FILE: {
    section: 'Operations',
    kind: plainPath,
    default: '',
    help: 'CA bundle (PEM file) that image builds trust, for a company proxy; blank: that of NODE_EXTRA_CA_CERTS.',
  },
  TLS: {
    section: 'Operations',
    kind: choice(['on', 'off']),
    default: 'off',
    defaults: { prod: 'on' },
    help: 'Whether the proxy serves HTTPS; prod turns it off only with a waiver (tls-off).',
  },
  TLS_CERT: {
    section: 'Operations',
    kind: plainPath,
    default: '',
    help: 'Certificate chain (PEM file) the proxy serves; blank: no TLS.',
  },
  TLS_KEY: {
    section: 'Operations',
    kind: plainPath,
    default: '',
    help: 'Private key (PEM file) of TLS_CERT.',
  },
  PUBLISH_DATA_PORTS: {
    section: 'Operations',
    kind: boolean,
    default: 'false',
    help: 'Publish the ports of PostgreSQL, Redis and Elasticsearch on 127.0.0.1; prod refuses it.',
  },
} as const satisfies SettingRows;
