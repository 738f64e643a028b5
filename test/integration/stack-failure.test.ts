import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Answer, killStrays, type RunOptions, until } from '../support/cli.ts';
import { nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

const patience = 400_000;
const off = ['celery-worker', 'celery-beat', 'mapper']
  .map((name) => `  ${name}: { enabled: false }\n`)
  .join('');
const steady = '  cloud: {}\n';

describe.skipIf(stackMissing !== '')(`a stack on a bad day (${stackMissing || 'on a real engine'})`, () => {
  let project: StackProject;
  let config: string;
  const name = (service: string, environment = 'dev'): string =>
    `${nameOf(project)}-${environment}-${service}-1`;

  beforeAll(async () => {
    // A folder that shells, YAML and Compose would each read in their own way.
    project = await newStackProject(['dev', 'test'], {}, `Portiere stäck $HOME {a}: #'b" `);
    config = readFileSync(join(project.folder, 'portiere.config.yaml'), 'utf8').replace(
      /^environment: .*$/m,
      'environment: dev',
    );
    configure();
  });
  afterAll(async () => {
    await project.end();
    await killStrays();
  });

  /** The services that are on, and what differs of them; without the proxy no port of this machine is needed. */
  function configure(services = steady, proxy = '{ enabled: false }'): void {
    const file = join(project.folder, 'portiere.config.yaml');
    writeFileSync(file, `${config}\nservices:\n${off}  proxy: ${proxy}\n${services}`);
  }

  async function up(options: Partial<RunOptions> = {}, ...more: readonly string[]): Promise<Answer> {
    return await project.json(['up', '--stable-for', '1', ...more], { timeout: patience, ...options });
  }

  async function finds(environment: string): Promise<string> {
    const { data } = await project.json(['search', 'heart attack', '--env', environment]);
    return data.hits[0].concept_name;
  }

  /** Waits until the stack says by itself that it is well. */
  async function recovers(): Promise<number> {
    const start = performance.now();
    await until(
      'health is ok',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return (await project.json(['health'])).data?.status === 'ok';
      },
      180_000,
    );
    return performance.now() - start;
  }

  function docker(...args: readonly string[]): void {
    project.docker(...args);
  }

  it('comes up in a folder of any name, called from elsewhere', async () => {
    const answer = await up({ cwd: '/' }, '--cwd', project.folder);
    expect(answer.error).toBeUndefined();
    expect(await finds('dev')).toBe('Myocardial infarction');
    const again = await project.json(['up', '--dry-run'], { env: { PORTIERE_ENV: 'dev' } });
    expect(again.data.changes).toEqual([]);
  });

  describe('what fails is named, with its last lines and a folder of evidence, and good configuration mends it', () => {
    it('a service that ends at once: 8', async () => {
      // All lines at once: whoever looks while it runs again finds no run without its end.
      const script =
        'all="$(for i in $(seq 30); do echo "line $i"; done; echo no database)"; echo "$all"; exit 3';
      configure(`  cloud: { command: [sh, -c, ${JSON.stringify(script)}] }\n`);
      const { code, error } = await up();
      expect({ code, id: error?.code }).toEqual({ code: 8, id: 'UNHEALTHY' });
      expect(error?.message).toMatch(/Service cloud failed: (?:crash loop: .*)?exited with code 3/);
      const said = (error?.message ?? '')
        .split('\n')
        .filter((line) => /^ {2}(?:line \d+|no database)$/.test(line));
      expect(said.length).toBeGreaterThan(0);
      expect(said.length).toBeLessThanOrEqual(20);
      expect(said.at(-1)).toBe('  no database');
      const folder = /states: (.*?)\. Mend/s.exec(error?.hint ?? '')?.[1] ?? '';
      expect(folder.startsWith(join(project.folder, '.portiere/runs/'))).toBe(true);
      expect(statSync(folder).mode & 0o077).toBe(0);
      const files = readdirSync(folder);
      expect(files).toEqual(
        expect.arrayContaining(['containers.json', 'events.json', 'result.json', `${name('cloud')}.log`]),
      );
      expect(readFileSync(join(folder, `${name('cloud')}.log`), 'utf8')).toContain('no database');
      const events = JSON.parse(readFileSync(join(folder, 'events.json'), 'utf8')) as {
        service: string;
        action: string;
        exitCode: number;
      }[];
      expect(events).toContainEqual(
        expect.objectContaining({ service: 'cloud', action: 'die', exitCode: 3 }),
      );
    });

    it('a service that is never healthy: 8, inside its timeout', async () => {
      configure('  cloud: { healthcheck: ["false"], startTimeout: 15 }\n');
      const start = performance.now();
      const { code, error } = await up();
      expect({ code, id: error?.code }).toEqual({ code: 8, id: 'UNHEALTHY' });
      expect(performance.now() - start).toBeLessThan(35_000);
      expect(error?.message).toMatch(/Service cloud failed: (?:unhealthy|not ready within 15 s)/);
    });

    it('a job that does not end: 124, as does --timeout', async () => {
      configure(`${steady}  index: { command: [sleep, "600"], startTimeout: 5 }\n`);
      const { code, error } = await up();
      expect({ code, id: error?.code }).toEqual({ code: 124, id: 'TIMED_OUT' });
      expect(error?.message).toMatch(/Service index failed: did not end within 5 s/);
      configure(`${steady}  index: { command: [sleep, "601"] }\n`);
      const start = performance.now();
      const cut = await up({}, '--timeout', '6');
      expect({ code: cut.code, id: cut.error?.code }).toEqual({ code: 124, id: 'TIMED_OUT' });
      expect(cut.error?.message).toMatch(/Service index failed: the [\d.]+ s for everything are up/);
      expect(performance.now() - start).toBeLessThan(20_000);
    });

    it('a job that fails: 8', async () => {
      configure(`${steady}  index: { command: [sh, -c, "echo no vocabulary; exit 9"] }\n`);
      const { code, error } = await up();
      expect({ code, id: error?.code }).toEqual({ code: 8, id: 'UNHEALTHY' });
      expect(error?.message).toMatch(/Service index failed: exited with code 9[^]*no vocabulary/);
    });

    it('good configuration again', async () => {
      configure();
      expect((await up()).error).toBeUndefined();
      expect(await finds('dev')).toBe('Myocardial infarction');
    });
  });

  it.each(['postgres', 'redis', 'elasticsearch'])(
    'the API is well by itself after a docker restart of %s',
    async (service) => {
      const format = ['inspect', '--format', '{{.Id}} {{.State.StartedAt}}', name('api')];
      const before = project.docker(...format);
      docker('restart', '--time', '5', name(service));
      await recovers();
      expect(await finds('dev')).toBe('Myocardial infarction');
      expect(project.docker(...format)).toBe(before);
    },
  );

  describe('what somebody did by hand', () => {
    it('paused a container', async () => {
      docker('pause', name('redis'));
      const { data } = await project.json(['up', '--dry-run']);
      expect(data.changes).toEqual([
        { service: 'redis', action: 'start', cause: 'it is paused', replicas: 1 },
      ]);
      expect((await up()).error).toBeUndefined();
    });

    it('renamed one, or ran docker compose up', async () => {
      docker('rename', name('cloud'), 'portiere-renamed');
      try {
        expect((await up()).data.changes).toEqual([]);
      } finally {
        docker('rename', 'portiere-renamed', name('cloud'));
      }
      const before = project.containers('dev');
      docker(
        'compose',
        '--file',
        join(project.folder, '.portiere/render/dev/compose.yaml'),
        'up',
        '--detach',
      );
      expect((await up()).data.changes).toEqual([]);
      const after = project.containers('dev');
      for (const one of ['postgres', 'redis', 'elasticsearch', 'api', 'cloud'])
        expect(after[name(one)]).toBe(before[name(one)]);
    });

    it('cut a container off from its network', async () => {
      docker('network', 'disconnect', '--force', `${nameOf(project)}-dev_back`, name('redis'));
      const { data } = await up();
      expect(data.changes).toEqual([
        { service: 'redis', action: 'recreate', cause: 'it is not on the network back', replicas: 1 },
      ]);
      await recovers();
    });

    it('stopped everything, pruned the networks and removed the database with its volume', async () => {
      docker('stop', '--time', '1', ...Object.values(project.containers('dev')));
      docker('network', 'rm', `${nameOf(project)}-dev_back`, `${nameOf(project)}-dev_front`);
      docker('rm', name('postgres'));
      docker('volume', 'rm', `${nameOf(project)}-dev_postgres-data`);
      const { data, error } = await up();
      expect(error).toBeUndefined();
      expect(data.changes).toMatchObject([
        { service: 'postgres', cause: 'it is not there' },
        { service: 'redis', cause: 'its network back was removed' },
        { service: 'elasticsearch', cause: 'its network back was removed' },
        { service: 'migrate', cause: 'the volume postgres-data is gone' },
        { service: 'index', cause: 'migrate runs again' },
        { service: 'api', cause: 'its network back was removed' },
        { service: 'cloud', cause: 'its network front was removed' },
      ]);
      expect(await finds('dev')).toBe('Myocardial infarction');
    });

    it('switched a service off: it goes, as the dry run says, and comes back', async () => {
      configure('  cloud: { enabled: false }\n');
      const { data } = await project.json(['up', '--dry-run']);
      const gone = { service: 'cloud', action: 'remove', cause: 'it is no longer in the stack', replicas: 0 };
      expect(data.changes).toContainEqual(gone);
      expect((await project.json(['status', '--detailed-exitcode'])).code).toBe(2);
      expect((await up()).data.changes).toContainEqual(gone);
      expect(Object.keys(project.containers('dev'))).not.toContain(name('cloud'));
      configure();
    });
  });

  it('dev and test run side by side, and down of one leaves the other as it is', async () => {
    const answer = await up({}, '--env', 'test');
    expect(answer.error).toBeUndefined();
    const things = (environment: string): readonly string[] => {
      const label = ['--filter', `label=io.portiere.environment=${environment}`];
      const own = ['--filter', `label=io.portiere.project=${nameOf(project)}`, '--no-trunc'];
      return [
        ...Object.values(project.containers(environment)),
        project.docker('network', 'ls', '--quiet', ...label, ...own),
        project.docker('volume', 'ls', '--quiet', ...label, ...own.slice(0, 2)),
      ];
    };
    const before = things('test');
    expect(
      (await project.run(['down', '--volumes', '--confirm', nameOf(project)], { timeout: 120_000 })).code,
    ).toBe(0);
    expect(things('dev').join('').trim()).toBe('');
    expect(things('test')).toEqual(before);
    expect(await finds('test')).toBe('Myocardial infarction');
    expect((await project.json(['health', '--env', 'test'])).data.status).toBe('ok');
  });
});
