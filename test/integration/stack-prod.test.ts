import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  type Canaries,
  canariesIn,
  canariesPrinted,
  type CommandLines,
  oddSecret,
  setSecrets,
  watchCommandLines,
} from '../support/canaries.ts';
import { kill, killStrays, until } from '../support/cli.ts';
import { allCommands, endless, neededArguments } from '../support/commands.ts';
import { type Check, hardeningTable, measureHardening } from '../support/hardening.ts';
import { askHttp, askHttps, type Reply } from '../support/requests.ts';
import { nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

const limit = 40;
const dataServices = ['postgres', 'redis', 'elasticsearch'];
const restarts = process.env['PORTIERE_TEST_ENGINE_RESTART'] === '1';

describe.skipIf(stackMissing !== '')(`a prod stack (${stackMissing || 'on a real engine'})`, () => {
  let project: StackProject;
  let planted: Canaries;
  let key: string;
  let watch: CommandLines;
  /** Everything that portiere printed. */
  const printed: string[] = [];
  const render = (): string => join(project.folder, '.portiere/render/prod');
  const name = (service: string, number = 1): string => `${nameOf(project)}-prod-${service}-${number}`;
  const run = async (args: readonly string[], timeout = 60_000) => {
    const done = await project.run(args, { timeout });
    printed.push(done.stdout, done.stderr);
    return done;
  };
  const json = async (args: readonly string[], timeout = 60_000) => {
    const { stdout } = await run([...args, '--json', '-v'], timeout);
    return JSON.parse(stdout) as Awaited<ReturnType<StackProject['json']>>;
  };
  const ask = async (
    host: string,
    path: string,
    options: Omit<RequestOptions, 'port' | 'ca'> = {},
  ): Promise<Reply> => await askHttps(host, path, { port: project.ports.https, ca: project.ca, ...options });
  const search = async (apiKey?: string): Promise<Reply> =>
    await ask('api.example.org', '/v1/search?q=heart+attack', {
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    });
  const running = (): [string, string][] =>
    Object.entries(project.containers('prod')).filter(([one]) => !/-(?:migrate|index)-1$/.test(one));
  const ends = (): string[] =>
    ['migrate', 'index'].map((job) => project.docker('inspect', '-f', '{{.State.FinishedAt}}', name(job)));
  const isWell = async (): Promise<boolean> => (await json(['health'])).data?.status === 'ok';

  beforeAll(async () => {
    project = await newStackProject(['prod'], { RATE_LIMIT_PER_MINUTE: String(limit) });
    planted = await plant(project);
    watch = watchCommandLines();
    await writeFile(join(project.folder, 'queries.tsv'), 'heart attack\t4329847\n');
    await appendFile(
      join(project.folder, 'portiere.config.yaml'),
      'services:\n  api:\n    replicas: 2\n    resources: { memory: 1g, reserve: { memory: 512m } }\n',
    );
  });
  afterAll(async () => {
    watch.stop();
    await project.end();
    await killStrays();
  });

  it('comes up, and no secret is on a command line of this machine', async () => {
    const { data, error } = await json(['up'], 400_000);
    expect(error).toBeUndefined();
    expect(data.health.status).toBe('ok');
    expect(data.services).toMatchObject({ api: 2, proxy: 1 });
    const { lines } = watch.seen();
    // Of this machine and of the containers: the search finds what is there.
    for (const one of ['docker compose', 'redis-server', 'postgres', 'portiere serve'])
      expect([one, lines.some((line) => line.includes(one))]).toEqual([one, true]);
    expect(canariesIn(lines.join('\n'), planted)).toEqual([]);
    key = (await json(['keys', 'create', '--name', 'prod test'])).data.key as string;
  });

  it('serves HTTPS by name with the given certificate, and sends HTTP there', async () => {
    expect(await ask('api.example.org', '/health/live')).toMatchObject({ status: 200 });
    for (const host of ['cloud.example.org', 'mapper.example.org']) {
      const page = await ask(host, '/');
      expect(page).toMatchObject({ status: 200 });
      expect(page.headers['strict-transport-security']).toContain('max-age');
      expect(await askHttp(host, '/here?x=1', project.ports.http)).toMatchObject({
        status: 301,
        headers: { location: `https://${host}:${project.ports.https}/here?x=1` },
      });
    }
    const stranger = askHttps('api.example.org', '/', { port: project.ports.https, ca: '/dev/null' });
    await expect(stranger).rejects.toThrow('unable to verify');
  });

  it('refuses unknown hosts, and TLS older than 1.2', async () => {
    const unchecked = { rejectUnauthorized: false };
    expect(await ask('other.example.org', '/', unchecked)).toMatchObject({ status: 421 });
    expect(await askHttp('other.example.org', '/', project.ports.http)).toMatchObject({ status: 421 });
    const old = { ...unchecked, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(ask('api.example.org', '/', { ...old, maxVersion: 'TLSv1.1' })).rejects.toThrow('protocol');
    expect(await ask('api.example.org', '/health/live', { ...old, maxVersion: 'TLSv1.2' })).toMatchObject({
      status: 200,
    });
  });

  it('answers a search with a valid key alone', async () => {
    expect((await search()).status).toBe(401);
    expect((await search(`${key}x`)).status).toBe(401);
    const { status, body } = await search(key);
    expect(status).toBe(200);
    expect((JSON.parse(body) as { hits: { concept_name: string }[] }).hits[0]?.concept_name).toBe(
      'Myocardial infarction',
    );
  });

  it('keeps the rate limit over both replicas; a revoked key is out within 5 s', async () => {
    const { key: other, key_id: id } = (await json(['keys', 'create', '--name', 'busy'])).data;
    const statuses: number[] = [];
    for (let batch = 0; batch < 12; batch++) {
      const replies = await Promise.all(Array.from({ length: 10 }, async () => await search(other)));
      statuses.push(...replies.map(({ status }) => status));
    }
    const accepted = statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status === 429)).toHaveLength(120 - accepted);
    // On a machine so busy that Redis answers late, a replica counts for itself up to its half, and says so.
    const said = [1, 2].map((number) => logOf(name('api', number))).join('');
    const alone = said.includes('counted by this process alone');
    console.log(`${accepted} of 120 accepted, limit ${limit}${alone ? '; a replica counted alone' : ''}`);
    if (alone) expect(accepted).toBeLessThanOrEqual(limit * 1.5);
    else expect(accepted).toBe(limit);
    const log = project.docker('logs', '--tail', '120', name('proxy'));
    expect(new Set([...log.matchAll(/"upstream":"([\d.]+:8000)"/g)].map(([, at]) => at)).size).toBe(2);
    expect((await json(['keys', 'revoke', id])).code).toBe(0);
    const start = performance.now();
    await until('the key is refused', async () => (await search(other)).status === 401, 5_000);
    console.log(`revoked key refused after ${Math.round(performance.now() - start)} ms`);
  });

  it('the commands work without an open port', async () => {
    expect((await run(['search', 'heart attack'])).stdout).toContain('Myocardial infarction');
    expect(await isWell()).toBe(true);
    expect((await json(['status', '--detailed-exitcode'])).code).toBe(0);
    expect((await json(['ps'])).data).toHaveLength(12);
    expect((await json(['index', 'status'])).data.search_engine).toMatchObject({ state: 'ok' });
    expect((await json(['migrate', 'status'])).data.pending).toEqual([]);
  });

  it('answers to the hardening list, but for what is written down with its reason', async () => {
    const rows = running().map(([one]) => measureHardening(one));
    const compose = await readFile(join(render(), 'compose.yaml'), 'utf8');
    const waivers = [...compose.matchAll(/^# ([a-z-]+) goes without (.+?): (.+)$/gm)].map(
      ([, service = '', what = '', reason = '']) => ({ service, check: checkNamed(what), reason }),
    );
    const isWaived = (service: string, check: Check): boolean =>
      waivers.some((one) => one.service === service && one.check === check);
    console.log(hardeningTable(rows, isWaived));
    for (const { service, check, reason } of waivers) console.log(`waived: ${service} ${check}: ${reason}`);
    const failures = rows.flatMap(({ service, checks }) =>
      Object.entries(checks).flatMap(([check, { holds }]) => (holds ? [] : [`${service} ${check}`])),
    );
    expect(failures.toSorted()).toEqual(waivers.map((one) => `${one.service} ${one.check}`).toSorted());
    for (const job of ['migrate', 'index']) {
      const host = '{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.HostConfig.CapDrop}}';
      expect(project.docker('inspect', '-f', host, name(job)).trim()).toBe('true 1000:1000 [ALL]');
    }
  });

  it('keeps the data services off the world, and the secrets from other users', async () => {
    const connect = (service: string): boolean => {
      const script = 'exec 3<>/dev/tcp/1.1.1.1/443';
      try {
        project.docker('exec', name(service), 'timeout', '2', 'bash', '-c', script);
        return true;
      } catch {
        return false;
      }
    };
    for (const service of dataServices) {
      expect([service, connect(service)]).toEqual([service, false]);
      const networks = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}';
      expect(project.docker('inspect', '-f', networks, name(service)).trim()).toBe(
        `${nameOf(project)}-prod_back`,
      );
    }
    console.log(`from the front network the world ${connect('cloud') ? 'is' : 'is not'} reached`);
    expect(statSync(join(render(), 'secrets')).mode & 0o777).toBe(0o700);
    for (const path of readdirSync(render(), { recursive: true, encoding: 'utf8' })) {
      const found = statSync(join(render(), path));
      if (!found.isFile() || path.startsWith('secrets/') || (found.mode & 0o044) === 0) continue;
      const text = readFileSync(join(render(), path), 'latin1');
      expect([path, canariesIn(text, planted)]).toEqual([path, []]);
    }
  });

  it('shows no secret in what the engine tells of it, in its logs or in the layers of its image', async () => {
    // Those of others on the same engine come and go.
    const inspectAll =
      'docker inspect $(docker ps -aq; docker image ls -q; docker network ls -q; docker volume ls -q) 2>/dev/null || true';
    const inspected = execFileSync('sh', ['-c', inspectAll], { encoding: 'utf8', maxBuffer: 1024 ** 3 });
    for (const one of [name('api'), name('index'), `${nameOf(project)}-prod_back`])
      expect(inspected).toContain(one);
    expect(canariesIn(inspected, planted)).toEqual([]);
    for (const one of Object.keys(project.containers('prod'))) {
      expect([one, canariesIn(logOf(one), planted)]).toEqual([one, []]);
      expect([one, canariesIn(project.docker('diff', one), planted)]).toEqual([one, []]);
    }
    const image = project.docker('inspect', '-f', '{{.Config.Image}}', name('api')).trim();
    expect(canariesIn(project.docker('history', '--no-trunc', image), planted)).toEqual([]);
    const scan = async (...program: string[]) =>
      await canariesPrinted(program, { canaries: planted, folder: project.folder });
    // The scan finds them where they are.
    const files = Object.keys(planted).map((one) => join(render(), 'secrets', one));
    const found = (await scan('cat', ...files)).map((one) => one.split(':')[0]);
    expect(found).toEqual(expect.arrayContaining(Object.keys(planted)));
    expect(await scan('docker', 'save', image)).toEqual([]);
    expect(await scan('docker', 'compose', '-f', join(render(), 'compose.yaml'), 'config')).toEqual([]);
  });

  it('shows no secret in what any command prints', async () => {
    const acting = new Set(['demo', 'init', 'up', 'down', 'restart', 'build', 'pull', 'push', 'model pull']);
    /** One at a time, since they take the lease, or a port. */
    const alone = new Set([
      'render',
      'migrate up',
      'vocab load',
      'index build',
      'index ensure',
      'keys create',
      'keys revoke',
      'serve',
    ]);
    const own: Readonly<Record<string, readonly string[]>> = {
      ...neededArguments,
      exec: ['api', '--', 'env'],
      run: ['api', '--', 'portiere', 'config', 'show'],
      scale: ['api=3', '--dry-run'],
    };
    const codes: Record<string, (number | null)[]> = {};
    for (const words of await allCommands(project.folder)) {
      const said = words.join(' ');
      const tail = acting.has(said) ? ['--dry-run'] : (own[said] ?? []);
      const say = async (flag: string) =>
        await run([...words, flag, ...tail], endless.has(said) ? 3_000 : 60_000);
      const done = alone.has(said)
        ? [await say('-vv'), await say('--json')]
        : await Promise.all([say('-vv'), say('--json')]);
      codes[said] = done.map(({ code }) => code);
      for (const { stdout, stderr } of done)
        expect([said, canariesIn(stdout + stderr, planted)]).toEqual([said, []]);
    }
    console.log(`exit codes: ${JSON.stringify(codes)}`);
    for (const said of ['up', 'status', 'health', 'logs', 'run', 'exec', 'config show', 'keys list'])
      expect([said, codes[said]]).toEqual([said, [0, 0]]);
    expect(Object.values(codes).flat()).not.toContain(1);
  });

  it('makes anew exactly what uses a changed secret, and the new passwords hold', async () => {
    const before = planted;
    planted = { ...planted, REDIS_PASSWORD: oddSecret(), DB_PASSWORD: oddSecret() };
    await setSecrets(secretsOf(project), { REDIS_PASSWORD: planted['REDIS_PASSWORD'] ?? '' });
    const changes = async () =>
      Object.fromEntries(
        (await json(['up', '--dry-run'])).data.changes.map((one: { service: string; cause: string }) => [
          one.service,
          one.cause,
        ]),
      ) as Readonly<Record<string, string>>;
    const users = ['redis', 'migrate', 'index', 'api', 'celery-worker', 'celery-beat'];
    const first = await changes();
    expect(Object.keys(first)).toEqual(users);
    for (const cause of Object.values(first)) expect(cause).toMatch(/^changed: .*secret REDIS_PASSWORD/);
    await setSecrets(secretsOf(project), { DB_PASSWORD: planted['DB_PASSWORD'] ?? '' });
    expect(Object.keys(await changes())).toEqual(['postgres', ...users]);
    const { code, error } = await json(['up', '--stable-for', '1'], 300_000);
    expect([code, error]).toEqual([0, undefined]);
    expect((await search(key)).status).toBe(200);
    const login = (password: string): string => {
      const sql = `psql -tA -h "$(hostname)" -U portiere -c 'SELECT 1' 2>&1 || true`;
      return execFileSync('docker', ['exec', '--env', 'PGPASSWORD', name('postgres'), 'sh', '-c', sql], {
        encoding: 'utf8',
        env: { ...process.env, PGPASSWORD: password },
      }).trim();
    };
    expect(login(planted['DB_PASSWORD'] ?? '')).toBe('1');
    expect(login(before['DB_PASSWORD'] ?? '')).toContain('password authentication failed');
    expect((await json(['status', '--detailed-exitcode'])).code).toBe(0);
    const told = logOf(name('postgres')) + printed.join('');
    expect(canariesIn(told, { ...before, ...planted })).toEqual([]);
  });

  it('is well again by itself after every program in it was killed, and no job is run again', async () => {
    const jobs = ends();
    for (const [one] of running()) {
      const pid = Number(project.docker('inspect', '-f', '{{.State.Pid}}', one));
      // 0 would be this group of processes: it died with what it depends on.
      if (pid > 0) kill(pid, 'SIGKILL');
    }
    const start = performance.now();
    await until('every service is well', isWell, 180_000);
    console.log(`well again after ${Math.round((performance.now() - start) / 1000)} s`);
    expect((await search(key)).status).toBe(200);
    expect(ends()).toEqual(jobs);
  });

  it.skipIf(!restarts)(
    'is well again without an up after the engine stopped and started (PORTIERE_TEST_ENGINE_RESTART=1)',
    async ({ skip }) => {
      const all = project.docker('ps', '--format', '{{.Names}}').trim().split('\n');
      const others = all.filter((one) => !one.startsWith(`${nameOf(project)}-prod-`));
      if (others.length > 0) skip(`others use this engine: ${others.join(', ')}`);
      const jobs = ends();
      execFileSync('sh', ['-c', restartEngine], { timeout: 150_000 });
      const start = performance.now();
      await until('every service is well', isWell, 240_000);
      console.log(`well ${Math.round((performance.now() - start) / 1000)} s after the engine was back`);
      expect((await search(key)).status).toBe(200);
      expect(ends()).toEqual(jobs);
      expect((await json(['up', '--dry-run'])).data.changes).toEqual([]);
    },
  );

  it('a failure leaves no secret in what it tells and keeps, even of a program that prints its own', async () => {
    await appendFile(
      join(project.folder, 'portiere.config.yaml'),
      `  cloud:\n    command: [sh, -c, 'echo "key=$STRIPE_SECRET_KEY"; echo "$STRIPE_SECRET_KEY" | base64; sleep 1; exit 3']\n`,
    );
    const { code, error } = await json(['up'], 120_000);
    expect([code, error?.code]).toEqual([8, 'UNHEALTHY']);
    expect(error?.message).toContain('cloud');
    expect(error?.message).toContain('key=[redacted]');
    const runs = join(project.folder, '.portiere/runs');
    const kept = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter((one) => /\.\w+$/.test(one));
    expect(kept.length).toBeGreaterThan(10);
    for (const path of kept) {
      expect(statSync(join(runs, path)).mode & 0o077).toBe(0);
      expect([path, canariesIn(readFileSync(join(runs, path), 'latin1'), planted)]).toEqual([path, []]);
    }
    expect(canariesIn(printed.join('\n'), planted)).toEqual([]);
    const { looks, lines } = watch.seen();
    expect(canariesIn(lines.join('\n'), planted)).toEqual([]);
    console.log(`${looks} looks at all command lines, ${lines.length} different ones, no secret`);
  });
});

/** Odd values in place of the generated secrets; all that is secret by the name of its file. */
async function plant(project: StackProject): Promise<Canaries> {
  const names = ['JWT_SECRET', 'API_KEY_SALT', 'DB_PASSWORD', 'REDIS_PASSWORD', 'ELASTIC_PASSWORD'];
  const own = Object.fromEntries(names.map((one) => [one, oddSecret()]));
  await setSecrets(secretsOf(project), own);
  const given = await readFile(secretsOf(project), 'utf8');
  const others = [...given.matchAll(/^((?:STRIPE|SUPABASE)_\w+)=(.+)$/gm)].map(([, one, value]) => [
    one,
    value,
  ]);
  const key = await readFile(join(project.folder, 'tls.key'), 'utf8');
  return { ...own, ...(Object.fromEntries(others) as Canaries), 'tls.key': key };
}

function logOf(container: string): string {
  const both = ['-c', 'docker logs "$0" 2>&1', container];
  return execFileSync('sh', both, { encoding: 'latin1', maxBuffer: 1024 ** 3 });
}

function secretsOf({ folder }: StackProject): string {
  return join(folder, '.env.prod');
}

/** The check that a waiver's words are about. */
function checkNamed(words: string): Check {
  const checks: Readonly<Record<string, Check>> = {
    'a read-only root': 'read-only-root',
    'an init of ours': 'init',
    'a healthcheck': 'healthcheck',
  };
  const check = checks[words];
  if (check === undefined) throw new Error(`nothing measures ${words}`);
  return check;
}

const restartEngine = `
if systemctl is-active --quiet docker 2>/dev/null; then systemctl restart docker; exit; fi
pid=$(cat /var/run/docker.pid)
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
setsid nohup dockerd >/tmp/dockerd.log 2>&1 </dev/null &
until docker info >/dev/null 2>&1; do sleep 0.5; done`;
