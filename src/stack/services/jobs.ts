import path from 'node:path';

import type { Service } from '../model.ts';
import { type Making, service } from '../service.ts';
import { apiImage, commonParts, connection, secretsOfApi } from './api.ts';

/** Brings the database schema up to date. */
export function migrate(making: Making): Service {
  return service(making, 'migrate', {
    ...commonParts(making),
    kind: 'job',
    image: apiImage(making, 'migrate'),
    command: ['portiere', 'migrate', 'up', '--no-input', '--no-color'],
    environment: connection(making, 'migrate'),
    secrets: secretsOfApi(making),
    dependsOn: [{ service: 'postgres', condition: 'healthy' }],
    startTimeout: 120,
  });
}

/** The init job: loads the vocabulary, builds the FAISS index and fills Elasticsearch, each where it is needed. */
export function index(making: Making): Service {
  const common = commonParts(making);
  const { vocabulary } = making.facts;
  const target = vocabulary === null ? null : `/vocabulary/${path.posix.basename(vocabulary.path)}`;
  return service(making, 'index', {
    ...common,
    kind: 'job',
    image: apiImage(making, 'index'),
    command: ['portiere', 'index', 'ensure', '--no-input', '--no-color'],
    environment: {
      ...connection(making, 'index'),
      ...(target === null ? {} : { VOCABULARY_PATH: target }),
    },
    secrets: secretsOfApi(making),
    mounts: [
      ...common.mounts,
      ...(vocabulary === null || target === null
        ? []
        : [{ kind: 'bind', source: vocabulary.path, target, readOnly: true } as const]),
    ],
    inputs: vocabulary === null ? {} : { vocabulary: vocabulary.fingerprint },
    dependsOn: [
      { service: 'postgres', condition: 'healthy' },
      { service: 'elasticsearch', condition: 'healthy' },
      { service: 'migrate', condition: 'completed' },
    ],
    startTimeout: 6 * 3600,
  });
}
