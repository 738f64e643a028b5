import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Config } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { settingNames } from '../../src/config/settings.ts';
import type { Sources } from '../../src/render/target.ts';
import { targets } from '../../src/render/targets.ts';
import { buildStack } from '../../src/stack/build.ts';
import type { StackFacts } from '../../src/stack/facts.ts';
import type { Stack } from '../../src/stack/model.ts';
import { configOf, goodProd } from '../config/given.ts';

/** What a test says of a stack: its environment, the config file's data, variables, facts. */
export interface StackGiven {
  readonly environment?: string;
  readonly file?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly facts?: Partial<StackFacts>;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Facts of a machine that never changes. */
const steadyFacts: StackFacts = {
  version: '1.2.3',
  packageDigest: 'package',
  root: '/srv/demo',
  tls: null,
  vocabulary: null,
  modelFolder: '/srv/models',
  searchCa: null,
  caFile: null,
  fingerprint: (text) => digest(`key ${text}`),
  fingerprintOf: (parts) => digest(JSON.stringify(parts)),
};

/** Images for the services that have none of their own, so that the stack is whole. */
export const everyService = {
  'celery-worker': { image: 'registry.example.org/worker:1.4.0', replicas: 2 },
  'celery-beat': { image: 'registry.example.org/worker:1.4.0' },
  cloud: { image: 'registry.example.org/cloud:2.0.1' },
  mapper: { image: 'registry.example.org/mapper:2.0.1' },
};

/** Variables of a production stack that serves HTTPS under three names. */
export const prodEnvironment: Readonly<Record<string, string>> = {
  ...goodProd,
  TLS_CERT: 'tls/chain.pem',
  TLS_KEY: 'tls/key.pem',
  CLOUD_DOMAIN: 'cloud.example.org',
  MAPPER_DOMAIN: 'mapper.example.org',
};

export const tlsFacts: Partial<StackFacts> = {
  tls: { certificate: 'CERTIFICATE\n', key: new Secret('KEY\n') },
};

const passwords = {
  DB_PASSWORD: 'pH7r2Wk9Qx4Vz1Nc8Lt5',
  REDIS_PASSWORD: 'b6Mj3Yf0Ts9Ug2Xd5Ke8',
  JWT_SECRET: 'm3Qv8ZrT1xKp7LwN5bYc9HdJ2fGs6AeU4iOo0RtXzWq',
  API_KEY_SALT: 'Zy4Kd0Vn8Xc2Bm6Qw1Er5Tt9Yu3Io7Pa-Sd_FgHjKlM',
};

/** A configuration and the stack of it; dev unless it says otherwise, named demo. */
export function builtStack({ environment = 'dev', file = {}, env = {}, facts = {} }: StackGiven = {}): {
  readonly config: Config;
  readonly stack: Stack;
} {
  const config = configOf({
    file: { name: 'demo', ...file },
    processEnv: { ...passwords, ...env },
    flags: { environment, settings: {} },
  });
  return { config, stack: buildStack(config, { ...steadyFacts, ...facts }) };
}

/** The three environments as the checked-in files show them: everything on, prod with TLS. */
export const goldenStacks: Readonly<Record<string, StackGiven>> = {
  dev: { environment: 'dev', file: { services: everyService } },
  test: { environment: 'test', file: { services: everyService } },
  prod: { environment: 'prod', file: { services: everyService }, env: prodEnvironment, facts: tlsFacts },
};

/** Real templates, and the settings of a configuration. */
export function sourcesOf(config?: Config): Sources {
  const folder = fileURLToPath(new URL('../../templates/', import.meta.url));
  const paths = Object.values(targets).flatMap(({ templates }) => templates);
  return {
    templates: Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')])),
    settings:
      config === undefined
        ? []
        : settingNames.flatMap((name) => {
            const value = config.provenance[name].at(-1)?.value;
            return value === undefined || name.includes('.') ? [] : [{ name, value }];
          }),
  };
}
