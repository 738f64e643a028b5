import { execFileSync } from 'node:child_process';

import { freePort, until } from './cli.ts';
import { images, stackMissing } from './stacks.ts';

/** A real Elasticsearch, and what a test may do to it. */
export interface TestElasticsearch {
  readonly url: string;
  readonly port: number;
  readonly login: { readonly username?: string; readonly password?: string };
  /** A request of an administrator; the answer's JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each address has its own shape, which the test states
  ask(method: string, path: string, body?: object): Promise<any>;
  /** Kills it as a crash would; undefined where it is not ours. */
  readonly kill: (() => void) | undefined;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  end(): void;
}

const given = process.env['PORTIERE_TEST_ELASTICSEARCH'] ?? '';
const image = stackMissing === '' ? images()['elasticsearch'] : undefined;

/** Why tests against it are skipped, for their titles; undefined where they run. */
export const lackingElasticsearch =
  given === '' && image === undefined
    ? ` (skipped: no image elasticsearch in .images.yaml, ${stackMissing || 'npm run images'}, and PORTIERE_TEST_ELASTICSEARCH names no server)`
    : undefined;

/**
 * The server that PORTIERE_TEST_ELASTICSEARCH names, else a container of a test's own, with security on. It starts
 * sooner with one of Java's two compilers; `fast`: it has both, as in use.
 */
export async function testElasticsearch({ fast = false } = {}): Promise<TestElasticsearch> {
  return given === '' ? await ownElasticsearch(fast) : named(given);
}

function named(url: string): TestElasticsearch {
  const password = process.env['PORTIERE_TEST_ELASTICSEARCH_PASSWORD'];
  const login = password === undefined ? {} : { username: 'elastic', password };
  return {
    url,
    port: Number(new URL(url).port),
    login,
    ask: asker(url, login),
    kill: undefined,
    start: async () => {},
    end: () => undefined,
  };
}

async function ownElasticsearch(fast: boolean): Promise<TestElasticsearch> {
  const port = await freePort();
  const name = `portiere-es-test-${process.pid}-${port}`;
  const login = { username: 'elastic', password: 'kE5s8Lq2Vw9Zx4Tn' };
  const docker = (...args: readonly string[]): string =>
    execFileSync('docker', [...args], { encoding: 'utf8', timeout: 120_000, stdio: 'pipe' });
  const url = `http://127.0.0.1:${port}`;
  const ask = asker(url, login);
  const answers = async (): Promise<void> => {
    await until(
      'Elasticsearch answers',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        // While a new server makes its index of users, it knows nobody for a moment.
        const looks = [1, 2, 3].map(
          async () => await ask('GET', '/_cluster/health').catch(() => ({ status: 'red' })),
        );
        return (await Promise.all(looks)).every(({ status }) => status === 'green' || status === 'yellow');
      },
      180_000,
    );
  };
  const environment = {
    'discovery.type': 'single-node',
    'xpack.security.enabled': 'true',
    'xpack.security.http.ssl.enabled': 'false',
    ELASTIC_PASSWORD: login.password,
    ES_JAVA_OPTS: `-Xms512m -Xmx512m${fast ? '' : ' -XX:TieredStopAtLevel=1'}`,
  };
  const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  const flags = ['--name', name, '--memory', '1500m', '--publish', `127.0.0.1:${port}:9200`];
  docker('run', '--detach', ...flags, ...variables, image ?? '');
  await answers();
  // Its index of users is made with the first thing written there; until that is ready, logins come and go.
  await until(
    'Elasticsearch has its index of users',
    async () =>
      await ask('PUT', '/_security/role/probe', { cluster: ['monitor'] }).then(
        () => true,
        () => false,
      ),
    120_000,
  );
  for (let look = 0; look < 5; look += 1) await answers();
  return {
    url,
    port,
    login,
    ask,
    kill: () => {
      docker('kill', '--signal', 'KILL', name);
    },
    async start() {
      docker('start', name);
      await answers();
    },
    end: () => {
      docker('rm', '--force', '--volumes', name);
    },
  };
}

function asker(url: string, login: TestElasticsearch['login']): TestElasticsearch['ask'] {
  const authorization =
    login.password === undefined
      ? {}
      : { authorization: `Basic ${btoa(`${login.username}:${login.password}`)}` };
  return async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const json = (await answer.json()) as { error?: unknown };
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(json.error)}`);
    return json;
  };
}
