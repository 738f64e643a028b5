import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { revealed } from '../../src/config/secret.ts';
import { targets } from '../../src/render/targets.ts';
import type { Service, Stack } from '../../src/stack/model.ts';
import { builtStack, everyService, goldenStacks, sourcesOf, type StackGiven } from '../support/stack.ts';

type Rendered = Readonly<Record<string, Record<string, never>>> & { readonly name: string };

function composeOf(stack: Stack): Rendered {
  const [file] = targets.compose.files(stack, sourcesOf());
  return parse(revealed(file?.content ?? '')) as Rendered;
}

const withService = (stack: Stack, name: string, change: Partial<Service>): Stack => ({
  ...stack,
  services: stack.services.map((one) => (one.name === name ? { ...one, ...change } : one)),
});

describe.each(Object.keys(goldenStacks))('the Compose file of %s', (environment) => {
  const { stack } = builtStack(goldenStacks[environment]);
  const file = composeOf(stack);
  const services = Object.entries(file['services'] ?? {}) as unknown as readonly [
    string,
    Record<string, unknown>,
  ][];

  it('names everything after the project and environment, and every label says whose it is', () => {
    expect(file.name).toBe(`demo-${environment}`);
    const things = [...Object.values(file['volumes'] ?? {}), ...Object.values(file['networks'] ?? {})];
    for (const thing of things as { name: string; labels: object }[]) {
      expect(thing.name).toMatch(new RegExp(`^demo-${environment}_`));
      expect(thing.labels).toEqual({ 'io.portiere.project': 'demo', 'io.portiere.environment': environment });
    }
    expect(services.map(([name]) => name)).toEqual(stack.services.map(({ name }) => name));
  });

  it('gives no service a name, a way up, an unbounded resource or log', () => {
    for (const [, service] of services) {
      expect(service).not.toHaveProperty('container_name');
      expect(service).not.toHaveProperty('privileged');
      expect(service).toMatchObject({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        deploy: {
          resources: {
            limits: { cpus: expect.any(String), memory: expect.any(String), pids: expect.any(Number) },
          },
        },
        logging: { driver: 'json-file', options: { 'max-size': '10m' } },
        user: expect.stringMatching(/^\d+:\d+$/),
      });
      expect(JSON.stringify(service)).not.toMatch(/docker\.sock|start_interval/);
    }
  });

  it('says in a label what each field is, and hashes it', () => {
    for (const [name, { labels }] of services) {
      const own = labels as Record<string, string>;
      expect(own['io.portiere.service']).toBe(name);
      expect(own['io.portiere.config']).toMatch(/^[0-9a-f]{12}$/);
      expect(Object.keys(JSON.parse(own['io.portiere.fields'] ?? '') as object)).toContain('image');
    }
  });

  it('publishes at fixed ports, or leaves them to the engine in test', () => {
    const ports = services.flatMap(([, { ports: own = [] }]) => own as { published?: string }[]);
    expect(ports.length).toBeGreaterThan(0);
    for (const { published } of ports) {
      if (environment === 'test') expect(published).toBeUndefined();
      else expect(published).toMatch(/^\d+$/);
    }
  });
});

describe('parts of a Compose file', () => {
  const { stack } = builtStack({ file: { services: everyService } });

  it('builds our image in every service that runs it, so that each can be built alone, and pulls it nowhere', () => {
    const { services } = composeOf(stack) as unknown as { services: Record<string, Record<string, unknown>> };
    for (const name of ['migrate', 'index', 'api']) {
      expect(services[name]).toMatchObject({ build: { context: './build/api' }, pull_policy: 'never' });
    }
    expect(services['postgres']).not.toHaveProperty('pull_policy');
  });

  it('hands the CA bundle to builds as a secret of theirs', () => {
    const given: StackGiven = { facts: { caFile: '/etc/ssl/company $1.pem' } };
    const file = composeOf(builtStack(given).stack);
    expect(file['secrets']).toMatchObject({ 'build-ca': { file: '/etc/ssl/company $$1.pem' } });
    expect(file['services']).toMatchObject({ migrate: { build: { secrets: ['build-ca'] } } });
  });

  it('hands the key and the authority of an external Elasticsearch to the api and the jobs, as files', () => {
    const { stack } = builtStack({
      file: { services: { elasticsearch: { external: true } } },
      env: {
        ELASTICSEARCH_URL: 'https://search.example.org:9243',
        ELASTICSEARCH_USERNAME: 'portiere',
        ELASTICSEARCH_API_KEY: 'a2V5LWlkOmtleS1zZWNyZXQ=',
        ELASTICSEARCH_CA_FILE: 'tls/search-ca.pem',
      },
      facts: { searchCa: 'CERTIFICATE\n' },
    });
    const { services } = composeOf(stack) as unknown as {
      services: Record<string, { environment: Record<string, string>; secrets: { source: string }[] }>;
    };
    for (const name of ['index', 'api']) {
      expect(services[name]?.environment).toMatchObject({
        ELASTICSEARCH_USERNAME: 'portiere',
        ELASTICSEARCH_API_KEY_FILE: '/run/secrets/ELASTICSEARCH_API_KEY',
        ELASTICSEARCH_CA_FILE: '/run/secrets/elasticsearch-ca.crt',
      });
      const sources = services[name]?.secrets.map(({ source }) => source);
      expect(sources).toEqual(expect.arrayContaining(['ELASTICSEARCH_API_KEY', 'elasticsearch-ca.crt']));
    }
    expect(JSON.stringify(services)).not.toContain('a2V5LWlkOm');
    const ca = stack.secrets.find(({ name }) => name === 'elasticsearch-ca.crt');
    expect(ca?.content.reveal()).toBe('CERTIFICATE\n');
  });

  it('hands the address and the token of Milvus to the api and the jobs, with a way out and its client', () => {
    const { stack } = builtStack({
      env: {
        DENSE_ENGINE: 'milvus',
        MILVUS_URL: 'https://vectors.example.org:19530',
        MILVUS_TOKEN: 'reader:kE5s8Lq2Vw9Zx4Tn',
      },
    });
    const { services } = composeOf(stack) as unknown as {
      services: Record<
        string,
        {
          environment: Record<string, string>;
          build: { args: Record<string, string> };
          networks: Record<string, unknown>;
        }
      >;
    };
    for (const name of ['index', 'api']) {
      expect(services[name]?.environment).toMatchObject({
        DENSE_ENGINE: 'milvus',
        MILVUS_URL: 'https://vectors.example.org:19530',
        MILVUS_TOKEN_FILE: '/run/secrets/MILVUS_TOKEN',
      });
      expect(JSON.stringify(services[name]?.networks)).toContain('front');
      expect(services[name]?.build.args['EXTRA_PACKAGES']).toContain('@zilliz/milvus2-sdk-node');
    }
    expect(JSON.stringify(services)).not.toContain('kE5s8Lq2');
  });

  it('gives the owner of a service its folders in memory, where nobody else is to write', () => {
    const { services } = composeOf(stack) as unknown as { services: Record<string, { tmpfs?: string[] }> };
    expect(services['api']?.tmpfs).toEqual(['/tmp:size=256m,mode=1777,uid=1000,gid=1000']);
    const security = { user: null, readOnlyRoot: true, dropAllCapabilities: true, noNewPrivileges: true };
    const free = composeOf(withService(stack, 'api', { security }));
    expect(free['services']).toMatchObject({ api: { tmpfs: ['/tmp:size=256m,mode=1777'] } });
    const mounts = [{ kind: 'memory', target: '/tmp:exec', bytes: 1 }] as const;
    expect(() => composeOf(withService(stack, 'api', { mounts }))).toThrow(/cannot be mounted/);
  });

  it('refuses a value that cannot be written, by the name of the variable', () => {
    const hostile = withService(stack, 'api', { environment: { LOG_LEVEL: 'a\0b' } });
    expect(() => composeOf(hostile)).toThrow(/services\.api\.environment\.LOG_LEVEL holds a NUL/);
  });

  it('scales, mounts an external model folder, follows a folder in dev', () => {
    const scaled = composeOf(
      withService(stack, 'cloud', {
        replicas: 3,
        watch: [{ path: '/src/cloud', target: '/app' }],
        mounts: [{ kind: 'bind', source: '/a b$', target: '/models', readOnly: true }],
      }),
    );
    expect(scaled['services']).toMatchObject({
      cloud: {
        deploy: { replicas: 3 },
        develop: {
          watch: [{ action: 'sync', path: '/src/cloud', target: '/app', ignore: ['node_modules/'] }],
        },
        volumes: [
          {
            type: 'bind',
            source: '/a b$$',
            target: '/models',
            read_only: true,
            bind: { create_host_path: false },
          },
        ],
      },
    });
  });

  it('tells processes inside which environment an own name extends', () => {
    const given = { environment: 'staging', file: { environments: { staging: { extends: 'dev' } } } };
    const files = targets.compose.files(builtStack(given).stack, sourcesOf());
    const inside = files.find(({ path }) => path === 'api/portiere.config.yaml');
    expect(parse(revealed(inside?.content ?? ''))).toEqual({
      version: 1,
      settings: { 'xpack.security.enabled': 'false' },
      name: 'demo',
      environment: 'staging',
      environments: { staging: { extends: 'dev' } },
    });
  });

  it('has no proxy file, no build context where nothing needs one', () => {
    const off = { enabled: false };
    const services = { proxy: off, api: { image: 'a:1' }, migrate: off, index: off };
    const bare = builtStack({ file: { services } }).stack;
    expect(targets.nginx.files(bare, sourcesOf())).toEqual([]);
    expect(targets.dockerfile.files(bare, sourcesOf())).toEqual([]);
  });
});
