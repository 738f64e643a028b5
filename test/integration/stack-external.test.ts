import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { freePort, killStrays, until } from '../support/cli.ts';
import { images, nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

/** Postgres and Elasticsearch are somebody else's; of the rest only what search needs is on. */
const config = `
services:
  postgres: { external: true }
  elasticsearch: { external: true }
  celery-worker: { enabled: false }
  celery-beat: { enabled: false }
  cloud: { enabled: false }
  mapper: { enabled: false }
settings:
  xpack.security.enabled: true
`;

describe.skipIf(stackMissing !== '')(
  `a stack on an external Postgres and Elasticsearch (${stackMissing || 'on a real engine'})`,
  () => {
    let project: StackProject;
    let host: string;
    let ports: { readonly postgres: number; readonly elasticsearch: number };
    const theirs = (what: string): string => `${nameOf(project)}-their-${what}`;

    beforeAll(async () => {
      project = await newStackProject(['dev']);
      const file = join(project.folder, 'portiere.config.yaml');
      writeFileSync(file, `${readFileSync(file, 'utf8')}${config}`);
      // Containers of one bridge do not reach those of another, but what is published on the host they do.
      host = bridgeAddress();
      ports = { postgres: await freePort(), elasticsearch: await freePort() };
      const password = secretOf('DB_PASSWORD');
      startTheirs('postgres', 5432, { POSTGRES_USER: 'portiere', POSTGRES_PASSWORD: password });
      startTheirs('elasticsearch', 9200, {
        'discovery.type': 'single-node',
        'xpack.security.enabled': 'true',
        'xpack.security.http.ssl.enabled': 'false',
        ELASTIC_PASSWORD: secretOf('ELASTIC_PASSWORD'),
        ES_JAVA_OPTS: '-Xms384m -Xmx384m',
      });
      const settings = {
        DB_HOST: host,
        DB_PORT: ports.postgres,
        ELASTICSEARCH_URL: `http://${host}:${ports.elasticsearch}`,
      };
      for (const [name, value] of Object.entries(settings))
        appendFileSync(join(project.folder, '.env'), `${name}='${value}'\n`);
      await until(
        'their servers answer',
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          return (await indices()) !== undefined && psql('SELECT 1') === '1';
        },
        180_000,
      );
    });
    afterAll(async () => {
      for (const what of ['postgres', 'elasticsearch']) {
        project.docker('rm', '--force', '--volumes', theirs(what));
      }
      await project.end();
      await killStrays();
    });

    function startTheirs(
      what: 'postgres' | 'elasticsearch',
      port: number,
      env: Readonly<Record<string, string>>,
    ): void {
      const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
      const published = ['--publish', `${host}:${ports[what]}:${port}`];
      project.docker(
        'run',
        '--detach',
        '--name',
        theirs(what),
        ...published,
        ...variables,
        images()[what] ?? '',
      );
    }

    /** This machine on the engine's own bridge; an engine that was never started again does not tell its gateway. */
    function bridgeAddress(): string {
      const format = '{{range .IPAM.Config}}{{.Gateway}} {{.Subnet}}{{end}}';
      const told = project.docker('network', 'inspect', '--format', format, 'bridge');
      const [gateway = '', subnet = ''] = told.trim().includes(' ')
        ? told.trim().split(' ')
        : ['', told.trim()];
      return gateway === '' ? subnet.replace(/\.0\/\d+$/, '.1') : gateway;
    }

    function secretOf(name: string): string {
      const text = readFileSync(join(project.folder, '.env.dev'), 'utf8');
      return new RegExp(`^${name}=['"]?([^'"\\n]+)`, 'm').exec(text)?.[1] ?? '';
    }

    /** In their Postgres; empty where it does not answer. */
    function psql(statement: string): string {
      try {
        const who = ['psql', '-U', 'portiere', '-h', '127.0.0.1', '-tAc', statement];
        return project
          .docker('exec', '--env', `PGPASSWORD=${secretOf('DB_PASSWORD')}`, theirs('postgres'), ...who)
          .trim();
      } catch {
        return '';
      }
    }

    /** Names of the indices in their Elasticsearch with the number of documents. */
    async function indices(): Promise<readonly { index: string; 'docs.count': string }[] | undefined> {
      const authorization = `Basic ${btoa(`elastic:${secretOf('ELASTIC_PASSWORD')}`)}`;
      const url = `http://${host}:${ports.elasticsearch}/_cat/indices/concepts*?format=json`;
      const answer = await fetch(url, {
        headers: { authorization },
        signal: AbortSignal.timeout(5_000),
      }).catch(() => undefined);
      return answer?.ok === true
        ? ((await answer.json()) as { index: string; 'docs.count': string }[])
        : undefined;
    }

    /** Containers, volumes and networks of the stack. */
    function things(): string[] {
      const label = ['--filter', `label=io.portiere.project=${nameOf(project)}`];
      return [
        project.docker('ps', '--all', ...label, '--format', '{{.Names}}'),
        project.docker('volume', 'ls', ...label, '--format', '{{.Name}}'),
        project.docker('network', 'ls', ...label, '--format', '{{.Name}}'),
      ].flatMap((text) => text.split('\n').filter((line) => line !== ''));
    }

    it('renders nothing for them: no service, no volume, nobody that waits for them', async () => {
      const { data } = await project.json(['up', '--dry-run']);
      const planned = data.changes.map(({ service }: { service: string }) => service);
      expect(planned).toEqual(['redis', 'migrate', 'index', 'api', 'proxy']);
      expect((await project.run(['render'])).code).toBe(0);
      const text = readFileSync(join(project.folder, '.portiere/render/dev/compose.yaml'), 'utf8');
      const file = parse(text) as {
        services: Record<string, { depends_on?: Record<string, unknown> }>;
        volumes: Record<string, unknown>;
      };
      expect(Object.keys(file.services).toSorted()).toEqual(planned.toSorted());
      expect(Object.keys(file.volumes).toSorted()).toEqual(['index-data', 'redis-data']);
      const awaited = Object.values(file.services).flatMap((one) => Object.keys(one.depends_on ?? {}));
      expect(awaited).not.toContain('postgres');
      expect(awaited).not.toContain('elasticsearch');
    });

    it.each<[string, string, () => Readonly<Record<string, string>>, RegExp]>([
      [
        'a wrong database password',
        'DATABASE_UNREACHABLE',
        () => ({ DB_PASSWORD: 'wrong-wrong-wrong-1' }),
        /password/i,
      ],
      [
        'a database that is not there',
        'DATABASE_UNREACHABLE',
        () => ({ DB_NAME: 'nowhere', POSTGRES_DB: 'nowhere' }),
        /nowhere/,
      ],
      ['a closed database port', 'DATABASE_UNREACHABLE', () => ({ DB_PORT: '1' }), /:1\b|port 1\b/],
      [
        'a wrong search engine password',
        'SEARCH_ENGINE_DENIED',
        () => ({ ELASTIC_PASSWORD: 'wrong-wrong-wrong-1' }),
        /elastic|password/i,
      ],
      [
        'a closed search engine port',
        'SEARCH_ENGINE_UNREACHABLE',
        () => ({ ELASTICSEARCH_URL: `http://${host}:1` }),
        /:1\b/,
      ],
    ])('%s is found by preflight: exit 6, before anything is created', async (_, code, env, says) => {
      const start = performance.now();
      const answer = await project.json(['up'], { env: env() });
      expect(performance.now() - start).toBeLessThan(15_000);
      expect({ exit: answer.code, code: answer.error?.code }).toEqual({ exit: 6, code });
      expect(answer.error?.message).toMatch(says);
      expect(answer.error?.hint).toBeTruthy();
      expect(answer.error?.message).not.toContain('wrong-wrong');
      expect(things()).toEqual([]);
    });

    it('up migrates and indexes there, and search answers', async () => {
      const answer = await project.json(['up', '--stable-for', '1'], { timeout: 400_000 });
      expect(answer.error).toBeUndefined();
      expect(answer.data.health.status).toBe('ok');
      expect(psql('SELECT count(*) FROM concept')).toBe('309');
      expect((await indices())?.map((one) => one['docs.count'])).toEqual(['309']);
      const url = `http://127.0.0.1:${project.ports.http}/v1/search?q=heart+attack`;
      const found = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      const hits = (await found.json()) as { arms: string[]; hits: { concept_name: string }[] };
      expect(hits.hits[0]?.concept_name).toBe('Myocardial infarction');
      expect(hits.arms).toContain('lexical');
      expect((await project.json(['migrate', 'status'])).data.pending).toEqual([]);
      expect((await project.json(['index', 'status'])).data.search_engine).toMatchObject({ state: 'ok' });
      expect(things().filter((one) => /postgres|elasticsearch/.test(one))).toEqual([]);
    });

    it('a second up makes nothing anew', async () => {
      const before = project.containers('dev');
      expect((await project.json(['up'])).data.changes).toEqual([]);
      expect(project.containers('dev')).toEqual(before);
    });

    it('their restart is survived without an up', async () => {
      project.docker('restart', '--time', '5', theirs('postgres'));
      await until(
        'the stack is well',
        async () => (await project.json(['health'])).data?.status === 'ok',
        60_000,
      );
    });

    it('a password that was changed there is told, and what runs is left alone', async () => {
      const before = project.containers('dev');
      psql(`ALTER ROLE portiere PASSWORD 'another'`);
      const answer = await project.json(['up']);
      expect(answer).toMatchObject({ code: 6, error: { code: 'DATABASE_UNREACHABLE' } });
      expect(project.containers('dev')).toEqual(before);
      const back = `ALTER ROLE portiere PASSWORD '${secretOf('DB_PASSWORD')}'`;
      project.docker('exec', theirs('postgres'), 'psql', '-U', 'portiere', '-c', back);
    });

    it('down --volumes leaves theirs as they are', async () => {
      const down = await project.json(['down', '--volumes', '--confirm', nameOf(project)], {
        timeout: 120_000,
      });
      expect(down.data.volumes_removed).toHaveLength(2);
      expect(psql('SELECT count(*) FROM concept')).toBe('309');
      expect(await indices()).toHaveLength(1);
    });
  },
);
