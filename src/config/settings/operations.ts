import { boolean, path, plainPath, token } from './kind.ts';
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
