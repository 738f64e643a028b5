import { execFileSync } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { killStrays, until } from '../support/cli.ts';
import { nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

const services = [
  'postgres',
  'redis',
  'elasticsearch',
  'migrate',
  'index',
  'api',
  'celery-worker',
  'celery-beat',
  'cloud',
  'mapper',
  'proxy',
];

describe.skipIf(stackMissing !== '')(`a dev stack (${stackMissing || 'on a real engine'})`, () => {
  let project: StackProject;
  const name = (service: string, number = 1): string => `${nameOf(project)}-dev-${service}-${number}`;
  const search = async (): Promise<Response> =>
    await fetch(`http://127.0.0.1:${project.ports.http}/v1/search?q=heart+attack`, {
      signal: AbortSignal.timeout(10_000),
    });

  beforeAll(async () => {
    project = await newStackProject(['dev'], { RATE_LIMIT_PER_MINUTE: '100000' });
  });
  afterAll(async () => {
    await project.end();
    await killStrays();
  });

  it('a dry run before the first up names every service, and sends nothing that changes', async () => {
    const { data } = await project.json(['up', '--dry-run']);
    expect(data.changes.map((change: { service: string }) => change.service)).toEqual(services);
    expect(data.mutations).toBe(0);
    expect(project.containers('dev')).toEqual({});
  });

  it('up brings everything up, the jobs first, and search answers through the proxy', async () => {
    const answer = await project.json(['up'], { timeout: 400_000 });
    expect(answer.error).toBeUndefined();
    expect(answer.data.health.status).toBe('ok');
    const { data } = await project.json(['ps']);
    const found = data as {
      service: string;
      state: string;
      health: string | null;
      exit_code: number | null;
    }[];
    expect(found.map(({ service }) => service).toSorted()).toEqual(services.toSorted());
    for (const one of found) {
      if (['migrate', 'index'].includes(one.service))
        expect(one).toMatchObject({ state: 'exited', exit_code: 0 });
      else
        expect(one).toMatchObject({
          state: 'running',
          health: one.service === 'celery-beat' ? null : 'healthy',
        });
    }
    const hits = (await (await search()).json()) as { arms: string[]; hits: { concept_name: string }[] };
    expect(hits.hits[0]?.concept_name).toBe('Myocardial infarction');
    expect(hits.arms).toEqual(['code', 'exact', 'lexical', 'dense']);
    for (const port of [project.ports.cloud, project.ports.mapper]) {
      const page = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) });
      expect(page.status).toBe(200);
    }
  });

  it('a second up with nothing changed makes nothing anew and takes under 5 s beyond docker compose ps', async () => {
    const before = project.containers('dev');
    expect((await project.json(['up', '--dry-run'])).data).toMatchObject({
      changes: [],
      files: [],
      mutations: 0,
    });
    const file = join(project.folder, '.portiere/render/dev/compose.yaml');
    const start = performance.now();
    execFileSync('docker', ['compose', '-f', file, 'ps'], { stdio: 'ignore' });
    const ps = performance.now() - start;
    const again = await project.run(['up']);
    expect(again.code).toBe(0);
    expect(project.containers('dev')).toEqual(before);
    expect(again.milliseconds - ps).toBeLessThan(5_000);
  });

  it('one changed setting makes anew what uses it, as the dry run said, with the cause', async () => {
    const before = project.containers('dev');
    await appendFile(join(project.folder, '.env'), "CORS_ORIGINS='https://app.example.org'\n");
    const { data } = await project.json(['up', '--dry-run']);
    expect(data.changes).toEqual([
      { service: 'api', action: 'recreate', cause: 'changed: environment CORS_ORIGINS', replicas: 1 },
    ]);
    expect(project.containers('dev')).toEqual(before);
    expect((await project.json(['status', '--detailed-exitcode'])).code).toBe(2);
    const done = await project.json(['up'], { timeout: 200_000 });
    expect(done.data.changes).toEqual(data.changes);
    const after = project.containers('dev');
    const changed = Object.keys(after).filter((one) => after[one] !== before[one]);
    expect(changed).toEqual([name('api')]);
    expect((await project.json(['status', '--detailed-exitcode'])).code).toBe(0);
  });

  it('the verbs do what they say', async () => {
    expect((await project.run(['run', 'api', '--', 'portiere', '--version'])).stdout.trim()).toMatch(
      /^\d+\.\d+\.\d+$/,
    );
    expect((await project.run(['run', 'api', '--', 'sh', '-c', 'exit 7'])).code).toBe(7);
    const count = ['psql', '-U', 'portiere', '-tAc', 'SELECT count(*) FROM concept'];
    expect((await project.run(['exec', 'postgres', '--', ...count])).stdout.trim()).toBe('309');
    expect((await project.json(['health'])).data).toMatchObject({ status: 'ok' });
    expect((await project.run(['search', 'heart attack'])).stdout).toContain('Myocardial infarction');
    expect((await project.json(['index', 'status'])).data.search_engine).toMatchObject({ state: 'ok' });
    expect((await project.json(['migrate', 'status'])).data.pending).toEqual([]);
    const lines = (await project.run(['logs', '--tail', '5', 'api'])).stdout.trim().split('\n');
    expect(lines).toHaveLength(5);
    const before = project.containers('dev');
    const start = Date.parse(
      project.docker('inspect', '--format', '{{.State.StartedAt}}', name('api')).trim(),
    );
    expect((await project.run(['restart', 'api', '--stable-for', '1'], { timeout: 120_000 })).code).toBe(0);
    expect(
      Date.parse(project.docker('inspect', '--format', '{{.State.StartedAt}}', name('api')).trim()),
    ).toBeGreaterThan(start);
    expect(project.containers('dev')).toEqual(before);
  });

  it('logs -f goes on with the lines to come until it is interrupted', async () => {
    const following = project.start(['logs', '-f', '--tail', '1', 'api']);
    await until('it shows the last line', () => following.stdout() !== '');
    await search();
    await until('it shows the search', () => following.stdout().includes('/v1/search'));
    following.child.kill('SIGINT');
    const done = await following.done;
    expect(done.stdout).toContain('/v1/search');
    expect(done.stdout).not.toContain('heart');
  });

  it('scale makes more of a service, and the proxy uses all of them; one killed is not missed', async () => {
    expect(
      (await project.run(['scale', 'api=2', 'celery-worker=3', '--stable-for', '1'], { timeout: 200_000 }))
        .code,
    ).toBe(0);
    const names = Object.keys(project.containers('dev'));
    expect(names.filter((one) => one.includes('celery-worker'))).toHaveLength(3);
    for (let request = 0; request < 20; request++) expect((await search()).status).toBe(200);
    const log = project.docker('logs', '--tail', '20', name('proxy'));
    const upstreams = new Set([...log.matchAll(/"upstream":"([\d.]+:8000)"/g)].map(([, address]) => address));
    expect(upstreams.size).toBe(2);
    project.docker('kill', name('api', 2));
    await new Promise((resolve) => {
      setTimeout(resolve, 5_000);
    });
    for (let request = 0; request < 50; request++) expect((await search()).status).toBe(200);
  });

  it('a file edited by hand is not overwritten, and nothing is touched', async () => {
    const file = join(project.folder, '.portiere/render/dev/compose.yaml');
    const before = await readFile(file, 'utf8');
    await appendFile(file, '# mine\n');
    const refused = await project.json(['up']);
    expect(refused).toMatchObject({ code: 10, error: { code: 'FILE_EDITED' } });
    expect(refused.error?.message).toContain('compose.yaml');
    expect(await readFile(file, 'utf8')).toBe(`${before}# mine\n`);
    expect((await project.run(['up', '--force', '--stable-for', '1'], { timeout: 200_000 })).code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('down removes the containers and keeps the data, which the next up finds', async () => {
    const down = await project.json(['down'], { timeout: 120_000 });
    expect(down.data.volumes_kept).toHaveLength(4);
    expect(project.containers('dev')).toEqual({});
    const up = await project.json(['up', '--stable-for', '1'], { timeout: 400_000 });
    expect(up.data.health.build).toBeTruthy();
    const count = ['psql', '-U', 'portiere', '-tAc', 'SELECT count(*) FROM concept'];
    expect((await project.run(['exec', 'postgres', '--', ...count])).stdout.trim()).toBe('309');
    expect((await project.json(['index', 'status'])).data.builds).toHaveLength(1);
  });

  it('down --volumes asks for the name of the project', async () => {
    const refused = await project.json(['down', '--volumes']);
    expect(refused).toMatchObject({ code: 10, error: { code: 'REFUSED' } });
    expect(Object.keys(project.containers('dev'))).toHaveLength(services.length);
    const down = await project.json(['down', '--volumes', '--confirm', nameOf(project)], {
      timeout: 120_000,
    });
    expect(down.data.volumes_removed).toHaveLength(4);
  });
});
