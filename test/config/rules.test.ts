import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guessedBits, isPlaceholder, isPlaceholderSecret } from '../../src/config/weak-secret.ts';
import { configOf, goodProd, problemsOf } from './given.ts';

function prodProblems(changes: Record<string, string | undefined>): string[] {
  const settings = Object.fromEntries(
    Object.entries({ ...goodProd, ...changes }).filter(([, text]) => text !== undefined),
  );
  const problems = problemsOf({
    processEnv: { ...settings, PORTIERE_ENV: 'prod' },
    file: withApps,
  });
  return problems.map(({ path, reason }) => `${path.replace('environment variable ', '')}: ${reason}`);
}

const withApps = { services: { cloud: { image: 'acme/cloud:1' }, mapper: { build: { context: 'mapper' } } } };

it('a production environment without a fault has no problem', () => {
  expect(prodProblems({})).toEqual([]);
});

it('an empty environment is told all it needs', () => {
  const required = (environment: string) =>
    problemsOf({ processEnv: { PORTIERE_ENV: environment } }).map(({ path }) => path);
  expect(required('embedded')).toEqual([]);
  expect(required('dev')).toEqual(['JWT_SECRET', 'API_KEY_SALT', 'DB_PASSWORD']);
  expect(required('test')).toEqual(required('dev'));
  const data = ['JWT_SECRET', 'API_KEY_SALT', 'CORS_ORIGINS', 'DB_PASSWORD', 'ELASTIC_PASSWORD'];
  expect(required('prod')).toEqual(data);
  expect(
    problemsOf({ processEnv: { PORTIERE_ENV: 'prod' }, file: withApps }).map(({ path }) => path),
  ).toEqual([
    'JWT_SECRET',
    'API_KEY_SALT',
    'CORS_ORIGINS',
    'DB_PASSWORD',
    'NEXT_PUBLIC_API_URL',
    'NEXT_PUBLIC_SUPABASE_URL',
    'NEXT_PUBLIC_SUPABASE_ANON_KEY',
    'SUPABASE_SERVICE_ROLE_KEY',
    'STRIPE_SECRET_KEY',
    'NEXT_PUBLIC_LIFF_ID',
    'LINE_CHANNEL_ID',
    'ADMIN_LINE_USER_IDS',
    'ELASTIC_PASSWORD',
  ]);
});

describe('prod', () => {
  it.each([
    [{ CORS_ORIGINS: '*' }, 'CORS_ORIGINS: prod refuses *: list the origins'],
    [{ PUBLISH_DATA_PORTS: 'true' }, 'PUBLISH_DATA_PORTS: prod refuses true'],
    [{ JWT_SECRET: 'x7Qp' }, 'JWT_SECRET: has 4 bytes; prod needs 32'],
    [{ API_KEY_SALT: 'x7QpZr' }, 'API_KEY_SALT: has 6 bytes; prod needs 32'],
    [{ DB_PASSWORD: 'x7QpZr' }, 'DB_PASSWORD: has 6 bytes; prod needs 12'],
    [{ DB_PASSWORD: '' }, 'DB_PASSWORD: is required in prod and blank'],
    [{ JWT_SECRET: '' }, 'JWT_SECRET: is required in prod and blank'],
    [{ REDIS_PASSWORD: '' }, 'REDIS_PASSWORD: is blank: give it a value, or remove it'],
    [{ ADMIN_LINE_USER_IDS: '' }, 'ADMIN_LINE_USER_IDS: is required in prod and blank'],
    [{ JWT_SECRET: '<strong-random-secret>' }, 'JWT_SECRET: is a placeholder'],
    [{ JWT_SECRET: 'supersecretkey' }, 'JWT_SECRET: is a placeholder'],
    [{ JWT_SECRET: 'your-256-bit-secret-key-change-in-production' }, 'JWT_SECRET: is a placeholder'],
    [{ STRIPE_SECRET_KEY: 'sk_live_...' }, 'STRIPE_SECRET_KEY: is a placeholder'],
    [{ NEXT_PUBLIC_LIFF_ID: 'your-liff-id' }, 'NEXT_PUBLIC_LIFF_ID: is a placeholder'],
    [{ NEXT_PUBLIC_API_URL: 'https://api.yourdomain.com' }, 'NEXT_PUBLIC_API_URL: is a placeholder'],
    [
      { NEXT_PUBLIC_SUPABASE_URL: 'https://your-project.supabase.co' },
      'NEXT_PUBLIC_SUPABASE_URL: is a placeholder',
    ],
    [{ NEXT_PUBLIC_SUPABASE_ANON_KEY: 'eyJ...' }, 'NEXT_PUBLIC_SUPABASE_ANON_KEY: is a placeholder'],
    [{ JWT_SECRET: 'a'.repeat(40) }, 'JWT_SECRET: is too regular to be a secret; make a random one'],
    [
      { JWT_SECRET: 'abcdefghijklmnopqrstuvwxyz0123456789' },
      'JWT_SECRET: is too regular to be a secret; make a random one',
    ],
    [{ DB_PASSWORD: 'abababababab' }, 'DB_PASSWORD: is too regular to be a secret; make a random one'],
    [
      { API_KEY_SALT: goodProd['JWT_SECRET'] },
      'API_KEY_SALT: has the value of JWT_SECRET; each secret needs its own',
    ],
    [{ ELASTIC_PASSWORD: undefined }, 'ELASTIC_PASSWORD: must be set where xpack.security.enabled is true'],
  ])('%j', (changes, expected) => {
    expect(prodProblems(changes)).toEqual([expected]);
  });

  it('POSTGRES_PASSWORD equal to DB_PASSWORD is no repeat, and a fault of both is told once', () => {
    expect(prodProblems({ POSTGRES_PASSWORD: goodProd['DB_PASSWORD'] })).toEqual([]);
    expect(prodProblems({ DB_PASSWORD: 'changeme', POSTGRES_PASSWORD: 'changeme' })).toEqual([
      'DB_PASSWORD: is a placeholder',
    ]);
    expect(prodProblems({ DB_PASSWORD: undefined, POSTGRES_PASSWORD: goodProd['DB_PASSWORD'] })).toEqual([]);
    expect(prodProblems({ POSTGRES_PASSWORD: 'q8Zt3Vw6Xy1Kd' })).toEqual([
      'POSTGRES_PASSWORD: must be equal to DB_PASSWORD (environment variable DB_PASSWORD); set one of them only',
    ]);
  });

  it('a secret in the configuration file is refused, its path is not', () => {
    const { DB_PASSWORD, ...processEnv } = goodProd;
    const flags = { environment: 'prod' };
    expect(problemsOf({ file: { settings: { DB_PASSWORD } }, processEnv, flags })).toEqual([
      { path: 'portiere.config.yaml settings.DB_PASSWORD', reason: 'a secret: move it to .env.prod' },
    ]);
    const secretFiles = new Map([['DB_PASSWORD', DB_PASSWORD ?? '']] as const);
    expect(
      problemsOf({ file: { settings: { DB_PASSWORD_FILE: 'db' } }, processEnv, flags, secretFiles }),
    ).toEqual([]);
  });

  it('an API key serves with an Elasticsearch of somebody else, and only there', () => {
    const processEnv: Record<string, string | undefined> = {
      ...goodProd,
      PORTIERE_ENV: 'prod',
      ELASTIC_PASSWORD: undefined,
      ELASTICSEARCH_API_KEY: 'VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==',
    };
    const theirs = { services: { ...withApps.services, elasticsearch: { external: true } } };
    expect(problemsOf({ processEnv, file: theirs })).toEqual([]);
    expect(problemsOf({ processEnv, file: withApps }).map(({ path }) => path)).toEqual(['ELASTIC_PASSWORD']);
  });

  it('none of this holds in dev', () => {
    const dev = {
      PORTIERE_ENV: 'dev',
      JWT_SECRET: 'changeme',
      API_KEY_SALT: 'changeme',
      DB_PASSWORD: 'x',
      PUBLISH_DATA_PORTS: 'true',
    };
    expect(problemsOf({ processEnv: dev })).toEqual([]);
  });
});

describe('wherever the whole stack runs', () => {
  it.each([
    [
      { ES_JAVA_OPTS: '-Xms1g -Xmx2g' },
      'ES_JAVA_OPTS: -Xms and -Xmx must be equal, or Elasticsearch refuses to start',
    ],
    [{ ES_JAVA_OPTS: '-Xms1024m -Xmx1g' }, undefined],
    [
      { ES_JAVA_OPTS: '-Xmx1g' },
      'ES_JAVA_OPTS: needs -Xms and -Xmx, once each, with a size such as 512m or 2g',
    ],
    [
      { ES_JAVA_OPTS: '-Xms1q -Xmx1q' },
      'ES_JAVA_OPTS: needs -Xms and -Xmx, once each, with a size such as 512m or 2g',
    ],
    [
      { ES_JAVA_OPTS: '-Xms1g -Xms1g -Xmx1g' },
      'ES_JAVA_OPTS: needs -Xms and -Xmx, once each, with a size such as 512m or 2g',
    ],
    [{ API_PORT: '3000' }, 'API_PORT: port 3000 is that of portiere-cloud on the same host'],
    [{ API_PORT: '5432', DB_HOST: 'localhost' }, 'DB_PORT: port 5432 is that of API_PORT on the same host'],
    [{ API_PORT: '5432', DB_HOST: 'postgres' }, undefined],
    [
      { DB_HOST: 'db', REDIS_HOST: 'db', REDIS_PORT: '5432' },
      'REDIS_PORT: port 5432 is that of DB_PORT on the same host',
    ],
    [
      { ELASTICSEARCH_URL: 'http://127.0.0.1:6379', REDIS_HOST: 'localhost' },
      'ELASTICSEARCH_URL: port 6379 is that of REDIS_PORT on the same host',
    ],
    [
      { ELASTICSEARCH_URL: 'http://a:9200,http://127.0.0.1:6379', REDIS_HOST: 'localhost' },
      'ELASTICSEARCH_URL: port 6379 is that of REDIS_PORT on the same host',
    ],
    [{ DENSE_ENGINE: 'elasticsearch' }, undefined],
    [{ DENSE_ENGINE: 'milvus', MILVUS_URL: 'http://milvus:19530' }, undefined],
    [{ DENSE_ENGINE: 'milvus' }, 'MILVUS_URL: must be set where DENSE_ENGINE is milvus'],
    [
      { DENSE_ENGINE: 'elasticsearch', PORTIERE_ENV: 'embedded' },
      'DENSE_ENGINE: elasticsearch needs a stack: embedded has none',
    ],
    [{ TLS_CERT: '/a.pem' }, 'TLS_KEY: must be set where TLS_CERT is'],
    [{ TLS_KEY: '/a.pem' }, 'TLS_CERT: must be set where TLS_KEY is'],
    [{ TLS_CERT: '/a.pem', TLS_KEY: '/b.pem' }, undefined],
    [
      { CORS_ORIGINS: '*,https://a.org' },
      'CORS_ORIGINS: * allows every origin: name it alone, or leave it out',
    ],
  ])('%j', (changes, expected) => {
    const dev = { PORTIERE_ENV: 'dev', JWT_SECRET: 'j', API_KEY_SALT: 's', DB_PASSWORD: 'p' };
    const problems = problemsOf({ processEnv: { ...dev, ...changes } });
    expect(
      problems.map(({ path, reason }) => `${path.replace('environment variable ', '')}: ${reason}`),
    ).toEqual(expected === undefined ? [] : [expected]);
  });
});

describe('weak secrets', () => {
  it.each([
    'changeme',
    'password',
    'password123',
    'secret',
    'supersecretkey',
    'my-super-secret-jwt-key',
    '<password>',
    '<strong-random-salt>',
    'your-jwt-secret',
    'sk_live_...',
    'eyJ...',
    'CHANGE_ME',
    'portiere',
    'postgres',
    'Admin123!',
    'this-is-a-secret-key-please-change',
    'xxxSECRETxxx',
    '${DB_PASSWORD}',
    'change-me-9f8a',
  ])('%s is a placeholder', (text) => {
    expect(isPlaceholderSecret(text)).toBe(true);
  });

  it('real values are not', () => {
    for (const text of Object.values(goodProd)) expect(isPlaceholder(text)).toBe(false);
    expect(isPlaceholderSecret('correct horse battery staple')).toBe(false);
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((all) => new Set(all).size > 20);
    fc.assert(
      fc.property(bytes, fc.constantFrom('base64url', 'hex', 'base64'), (all, encoding) => {
        const text = Buffer.from(all).toString(encoding);
        expect(isPlaceholderSecret(text)).toBe(false);
        expect(guessedBits(text)).toBeGreaterThan(64);
      }),
      { numRuns: 2000 },
    );
  });

  it('guesses few bits for the regular', () => {
    const regular = [
      '',
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      'abcabcabcabcabcabcabcabcabcabcabc',
      '0123456789abcdef0123456789abcdef',
    ];
    for (const text of regular) expect(guessedBits(text)).toBeLessThan(24);
  });
});

it('a good production environment resolves to typed settings', () => {
  const { settings } = configOf({ processEnv: goodProd, flags: { environment: 'prod' } });
  expect(settings).toMatchObject({ CORS_ORIGINS: ['https://cloud.example.org'], RATE_LIMIT_PER_MINUTE: 60 });
});

describe('services', () => {
  it.each([
    [{ services: { postgress: {} } }, 'services.postgress', 'is no service of the stack', 'postgres'],
    [
      { services: { api: { image: 'a b' } } },
      'services.api.image',
      '"a b" is not an image reference',
      undefined,
    ],
    [{ services: { api: { replica: 2 } } }, 'services.api.replica', 'unknown key', 'replicas'],
    [{ services: { api: { replicas: -1 } } }, 'services.api.replicas', 'Too small', undefined],
    [{ services: { api: { resources: { memory: '12x' } } } }, 'services.api.resources.memory', '', undefined],
    [
      { services: { api: { environment: { '1A': 'x' } } } },
      'services.api.environment.1A',
      'a variable is',
      undefined,
    ],
    [{ engine: { minimum: 'new' } }, 'engine.minimum', 'must be a version', undefined],
    [{ waive: { 'tls-off': 'no' } }, 'waive.tls-off', 'must be a reason', undefined],
  ])('%j', (file, place, reason, suggestion) => {
    const problems = problemsOf({ file });
    expect(problems.map(({ path }) => path.split(' ')[1])).toEqual([place]);
    expect(problems[0]?.reason).toContain(reason);
    expect(problems[0]?.suggestion).toBe(suggestion);
  });

  it('merge: the file, its environment, then the images', () => {
    const config = configOf({
      processEnv: { PORTIERE_ENV: 'dev', JWT_SECRET: 'j', API_KEY_SALT: 's', DB_PASSWORD: 'p' },
      file: {
        services: {
          api: { image: 'acme/api:1', environment: { A: 1, B: 'x' }, resources: { memory: '1g' } },
        },
        environments: { dev: { services: { api: { environment: { B: 'y' }, resources: { cpus: 2 } } } } },
      },
      imagesFile: { path: 'images.yaml', data: { api: 'test/api:2', node: 'test/node:24' } },
    });
    expect(config.services.api).toEqual({
      image: 'test/api:2',
      environment: { A: '1', B: 'y' },
      resources: { memory: 1024 ** 3, cpus: 2 },
    });
    expect(config.images).toEqual({ node: 'test/node:24' });
  });
});

it('numbers of a dense index fit its kind', () => {
  const told = (settings: Record<string, string>) =>
    problemsOf({ processEnv: { PORTIERE_ENV: 'embedded', ...settings } }).map(({ path, reason }) => [
      path.replace('environment variable ', ''),
      reason,
    ]);
  expect(told({ DENSE_INDEX: 'HNSW', DENSE_EF_SEARCH: '200' })).toEqual([]);
  expect(told({ DENSE_INDEX: 'IVFSQ8', DENSE_NLIST: '64', DENSE_NPROBE: '64' })).toEqual([]);
  expect(told({ DENSE_NPROBE: '32' })).toEqual([]);
  expect(told({ DENSE_INDEX: 'Flat', DENSE_NLIST: '64', DENSE_NPROBE: '8' })).toEqual([
    ['DENSE_NLIST', 'DENSE_INDEX is Flat, which has no lists: leave it at 0'],
    ['DENSE_NPROBE', 'DENSE_INDEX is Flat, which has no lists: leave it at 0'],
  ]);
  expect(told({ DENSE_NLIST: '64', DENSE_NPROBE: '65' })).toEqual([
    ['DENSE_NPROBE', expect.stringContaining('is 65, and DENSE_NLIST is 64')],
  ]);
  expect(told({ DENSE_EF_SEARCH: '200' })).toEqual([
    ['DENSE_EF_SEARCH', expect.stringContaining('only HNSW')],
  ]);
  expect(told({ DENSE_INDEX: 'HNSW', DENSE_EF_SEARCH: '65537' })).toHaveLength(1);
});
