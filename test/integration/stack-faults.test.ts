import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { killStrays, until } from '../support/cli.ts';
import { type EngineSocket, openEngineSocket } from '../support/engine-socket.ts';
import { randomFrom } from '../support/random.ts';
import { images, nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

const rounds = Number(process.env['PORTIERE_TEST_ROUNDS'] ?? 2);
const seed = Number(process.env['PORTIERE_TEST_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const title = `${rounds} rounds, PORTIERE_TEST_SEED=${seed}`;
const patience = 400_000;
const up = ['up', '--stable-for', '1', '--waive', 'memory=it is a test'];

const jobs = new Set(['migrate', 'index']);
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

describe.skipIf(stackMissing !== '')(`a stack and its faults (${stackMissing || title})`, () => {
  let project: StackProject;
  let socket: EngineSocket;
  let bystander: readonly string[];
  const figures: string[][] = [['case', 'first up', 's', 'next up', 's']];
  const name = (service: string): string => `${nameOf(project)}-prod-${service}-1`;
  const other = (): string => `${nameOf(project)}-bystander`;

  beforeAll(async () => {
    socket = await openEngineSocket();
    // In prod nothing but the ports of the proxy is wanted of this machine.
    project = await newStackProject(['prod'], { RATE_LIMIT_PER_MINUTE: '100000' });
    const label = 'io.portiere.project=somebody-else';
    project.docker('volume', 'create', '--label', label, other());
    const own = ['--name', other(), '--label', label, '--volume', `${other()}:/data`];
    project.docker('run', '--detach', ...own, images()['redis'] ?? '');
    bystander = lookAtBystander();
  });
  afterAll(async () => {
    console.log(
      figures.map((row) => row.map((cell, at) => cell.padEnd(at === 0 ? 62 : 9)).join('')).join('\n'),
    );
    project.docker('rm', '--force', other());
    project.docker('volume', 'rm', other());
    await project.end();
    await socket.end();
    await killStrays();
  });

  function lookAtBystander(): readonly string[] {
    return [
      project.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{.State.Status}}', other()),
      project.docker('volume', 'inspect', '--format', '{{.Name}} {{.CreatedAt}}', other()),
    ];
  }

  /** One more `up` is all it takes: everything is there once, well, with its data, and nothing of others was touched. */
  async function expectConvergence(
    what: string,
    first: { code: number | null; milliseconds: number },
  ): Promise<void> {
    const start = performance.now();
    const answer = await project.json(up, { timeout: patience });
    const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1);
    const next = seconds(performance.now() - start);
    figures.push([what, String(first.code), seconds(first.milliseconds), String(answer.code), next]);
    expect({ what, code: answer.code, error: answer.error }).toEqual({ what, code: 0, error: undefined });
    const found = Object.keys(project.containers('prod')).toSorted();
    expect(found).toEqual(services.map((one) => name(one)).toSorted());
    const all = ['ps', '--all', '--filter', `label=com.docker.compose.project=${nameOf(project)}-prod`];
    expect(
      project
        .docker(...all, '--quiet')
        .trim()
        .split('\n'),
    ).toHaveLength(services.length);
    await expectHealth();
    await expectData();
    expect(await search()).toBe('Myocardial infarction');
    expect(lookAtBystander()).toEqual(bystander);
  }

  async function expectData(): Promise<void> {
    const count = ['psql', '-U', 'portiere', '-tAc', 'SELECT count(*) FROM concept'];
    expect((await project.run(['exec', 'postgres', '--', ...count])).stdout.trim()).toBe('309');
    const { data } = await project.json(['index', 'status']);
    expect(data.search_engine).toMatchObject({ state: 'ok' });
    expect(data.published).toBeTruthy();
  }

  /** Every part of it; on a machine that is kept busy a probe may be late. */
  async function expectHealth(): Promise<void> {
    let health: unknown;
    await until(
      'health is ok',
      async () => {
        const { data } = await project.json(['health']);
        health = data?.status === 'ok' ? 'ok' : { status: data?.status, cause: data?.cause };
        return health === 'ok';
      },
      20_000,
    ).catch(() => undefined);
    expect(health).toBe('ok');
  }

  async function search(): Promise<string> {
    const { data } = await project.json(['search', 'heart attack']);
    return data.hits[0]?.concept_name ?? '';
  }

  async function takeDown(fresh: boolean): Promise<void> {
    const more = fresh ? ['--volumes', '--confirm', nameOf(project)] : [];
    expect((await project.run(['down', ...more], { timeout: 120_000 })).code).toBe(0);
  }

  describe('docker kill -9 of a service at a random moment of up', () => {
    // The database comes first: killed in its first start it is the one with the most to lose.
    const victims = Array.from({ length: rounds }, (_, round) => round);
    it.each(victims)('round %i: another up converges', { timeout: 900_000 }, async (round) => {
      const victim = (round === 0 ? 'postgres' : services[Math.floor(random() * services.length)]) ?? '';
      const fresh = round % 2 === 0;
      await takeDown(fresh);
      const delay =
        round === 0 ? 300 + random() * 2_500 : random() ** 2 * (jobs.has(victim) ? 3_000 : 25_000);
      const { done } = project.start(up, { timeout: patience });
      let ended = false;
      void done.then(() => (ended = true));
      await until(`${victim} is there`, () => ended || isRunning(victim), patience);
      await new Promise((resolve) => setTimeout(resolve, delay));
      const hit = killContainer(victim);
      const { code, milliseconds } = await done;
      const what = `${victim} ${fresh ? 'of a new stack' : 'with its data'} after ${(delay / 1000).toFixed(1)} s${hit ? '' : ', ended by then'}`;
      await expectConvergence(what, { code, milliseconds });
    });

    function isRunning(service: string): boolean {
      const running = ['ps', '--quiet', '--filter', `name=^${name(service)}$`];
      return project.docker(...running).trim() !== '';
    }

    function killContainer(service: string): boolean {
      try {
        execFileSync('docker', ['kill', '--signal', 'KILL', name(service)], {
          stdio: 'pipe',
          timeout: 30_000,
        });
        return true;
      } catch {
        return false;
      }
    }
  });

  it.each(Array.from({ length: Math.ceil(rounds / 2) }, (_, round) => round))(
    'kill -9 of up itself at a random moment, round %i: another up converges',
    { timeout: 900_000 },
    async (round) => {
      await takeDown(round % 2 === 0);
      const { child, done } = project.start(up, { timeout: patience });
      const delay = 400 + random() * 30_000;
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, delay))]);
      child.kill('SIGKILL');
      const { code, milliseconds } = await done;
      await expectConvergence(`up itself after ${(delay / 1000).toFixed(1)} s`, { code, milliseconds });
    },
  );

  it('of two up at once one exits 5 and names the other; SIGINT ends that one within 10 s', async () => {
    project.docker('rm', '--force', name('elasticsearch'));
    const first = project.start(up, { timeout: patience });
    await until('it is under way', () => first.stderr().includes('Wait for databases'), 60_000);
    const second = await project.json(['up']);
    expect(second).toMatchObject({ code: 5, error: { code: 'LOCKED' } });
    expect(second.error?.message).toMatch(new RegExp(`\`up\` \\(pid ${first.child.pid}.*has held`));
    for (const command of [['down'], ['restart', 'redis'], ['scale', 'api=2'], ['migrate', 'up']])
      expect((await project.json(command)).code).toBe(5);
    const start = performance.now();
    first.child.kill('SIGINT');
    const done = await first.done;
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(done.code).toBe(130);
    expect(done.stderr).toMatch(/SIGINT: stopping/);
    await expectConvergence('SIGINT', done);
  });

  it('an engine that goes away in the middle of up: exit 6; when it is back, another up converges', async () => {
    appendFileSync(join(project.folder, '.env'), "LOG_LEVEL='DEBUG'\n");
    const env = { DOCKER_HOST: socket.url };
    const { done, stderr } = project.start([...up, '--json'], { env, timeout: patience });
    await until('it is under way', () => stderr().includes('Wait for api'), 60_000);
    const start = performance.now();
    await socket.cut();
    const first = await done;
    expect(performance.now() - start).toBeLessThan(5_000);
    expect({ code: first.code, said: first.stdout }).toMatchObject({
      code: 6,
      said: expect.stringContaining('ENGINE_UNREACHABLE'),
    });
    await socket.open();
    await expectConvergence('an engine that went away', first);
    expect(readFileSync(join(project.folder, '.env'), 'utf8')).toContain('DEBUG');
  });
});
