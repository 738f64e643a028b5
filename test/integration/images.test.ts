import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { availableImages } from '../images/available.ts';
import { Containers, each, words } from '../images/containers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { images, reason } = await availableImages({ root, env: process.env, say: () => undefined });
const containers = new Containers(process.env);
afterAll(async () => {
  if (reason === null) await containers.removeAll();
});

/** Read-only, without any capability, as a rendered production service runs. */
const hardened = words('--read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp');

/** Runs its tests where the image and the `others` are there; else shows why not. */
function describeImage(
  service: string,
  tests: (image: string) => void,
  others: readonly string[] = [],
): void {
  const missing = [service, ...others].filter((name) => images[name] === undefined);
  const lacking = missing.length === 0 ? null : `.images.yaml names no ${missing.join(', ')} that is built`;
  const why = reason ?? lacking;
  describe.skipIf(why !== null)(`test image ${service}${why === null ? '' : ` (skipped: ${why})`}`, () => {
    tests(images[service] ?? '');
  });
}

describeImage('postgres', (image) => {
  const password = 'p w"d\'$1';
  const asPostgres = ['--user', '999:999', '--tmpfs', '/var/run/postgresql', ...hardened];

  it('starts read-only as 999 from _FILE secrets, runs the first files once, and keeps its data', async () => {
    const owned = { owner: '999:999', mode: '0400' };
    const secret = await containers.file(image, { name: 'password', text: password, ...owned });
    const text = 'create table a as select 1';
    const script = await containers.file(image, { name: 'a.sql', text, ...owned });
    const data = await containers.create('volume');
    const environment = [
      'POSTGRES_PASSWORD_FILE=/run/secrets/password',
      'POSTGRES_USER=app',
      'POSTGRES_DB=things',
      'POSTGRES_INITDB_ARGS=--data-checksums',
    ];
    const mounts = [
      `${data}:/var/lib/postgresql/data`,
      `${secret}:/run/secrets:ro`,
      `${script}:/docker-entrypoint-initdb.d:ro`,
    ];
    const flags = [...asPostgres, ...each('--env', environment), ...each('--volume', mounts)];
    const first = await containers.start(image, { flags });
    const ready = (name: string) => async (): Promise<boolean> =>
      (await containers.exec(name, 'pg_isready -h 127.0.0.1 -U app -d things')) !== '';
    await containers.until(first, ready(first), 60);
    // By the container's own address: the loopback asks for no password.
    const psql = 'psql -h $(hostname) -U app -d things -Atc';
    const sql = async (name: string, text: string): Promise<string> =>
      await containers.exec(name, `PGPASSWORD=$(cat /run/secrets/password) ${psql} "${text}"`);

    expect(await sql(first, 'show server_encoding')).toBe('UTF8');
    expect(await sql(first, 'show lc_collate')).toBe('en_US.utf8');
    expect(await sql(first, 'show data_checksums')).toBe('on');
    expect(await sql(first, 'show server_version_num')).toMatch(/^15/);
    expect(await sql(first, 'select * from a')).toBe('1');
    await sql(first, 'create table kept as select generate_series(1, 7) as n');
    const wrong = containers.exec(first, `PGPASSWORD=wrong ${psql} "select 1"`);
    await expect(wrong).rejects.toThrow(/password authentication failed/);

    await containers.docker(['restart', first]);
    await containers.until(first, ready(first), 30);
    expect(await sql(first, 'select count(*) from kept')).toBe('7');
    expect(await containers.logs(first)).toContain('Skipping initialization');

    await containers.docker(['rm', '--force', first]);
    const second = await containers.start(image, { flags });
    await containers.until(second, ready(second), 30);
    expect(await sql(second, 'select count(*) from kept')).toBe('7');
  });

  it('starts as root, drops to postgres, and does not answer on TCP before it is ready', async () => {
    const text = 'while [ ! -e /tmp/go ]; do sleep 0.1; done\n';
    const slow = { name: 'slow.sh', text, owner: '0:0', mode: '0644' };
    const files = await containers.file(image, slow);
    const name = await containers.start(image, {
      flags: ['--volume', `${files}:/docker-entrypoint-initdb.d:ro`, '--env', 'POSTGRES_PASSWORD=x'],
    });
    await containers.until(name, async () => (await containers.logs(name)).includes('slow.sh'), 60);
    expect(await containers.exec(name, 'pg_isready -h 127.0.0.1 || true')).toContain('no response');
    expect(await containers.exec(name, 'pg_isready')).toContain('accepting connections');
    await containers.exec(name, 'touch /tmp/go');
    await containers.until(
      name,
      async () => (await containers.exec(name, 'pg_isready -h 127.0.0.1')) !== '',
      30,
    );
    expect(await containers.exec(name, 'stat -c %u /proc/1 "$PGDATA"')).toBe('999\n999');
  });

  it('refuses to start without a password, and with two of them', async () => {
    await expect(containers.once(image)).rejects.toThrow(/superuser password is not specified/);
    const both = ['--env', 'POSTGRES_PASSWORD=a', '--env', 'POSTGRES_PASSWORD_FILE=/etc/hostname'];
    await expect(containers.once(image, { flags: both })).rejects.toThrow(/are exclusive/);
  });
});

describeImage('redis', (image) => {
  it('starts read-only as 999 from a conf file with a password, and keeps its data', async () => {
    const text = 'requirepass s3cret\nappendonly yes\n';
    const conf = await containers.file(image, { name: 'redis.conf', text, owner: '999:999', mode: '0400' });
    const flags = ['--user', '999:999', '--volume', `${conf}:/run/conf:ro`, ...hardened];
    const name = await containers.start(image, { flags, command: ['/run/conf/redis.conf'] });
    const cli = async (command: string): Promise<string> =>
      await containers.exec(name, `redis-cli ${command}`);
    await containers.until(name, async () => (await cli('ping')) !== '', 20);
    expect(await cli('ping')).toContain('NOAUTH');
    expect(await cli('-a s3cret --no-auth-warning ping')).toBe('PONG');
    await cli('-a s3cret --no-auth-warning set kept yes');
    await containers.docker(['restart', name]);
    await containers.until(
      name,
      async () => (await cli('-a s3cret --no-auth-warning get kept')) === 'yes',
      20,
    );
  });

  it('starts as root, drops to redis, and takes options alone', async () => {
    const name = await containers.start(image, { command: ['--maxmemory', '64mb'] });
    await containers.until(name, async () => (await containers.exec(name, 'redis-cli ping')) === 'PONG', 20);
    expect(await containers.exec(name, 'redis-cli config get maxmemory')).toContain('67108864');
    expect(await containers.exec(name, 'redis-cli config get protected-mode')).toContain('no');
    expect(await containers.exec(name, 'stat -c %u /proc/1')).toBe('999');
  });
});

describeImage('elasticsearch', (image) => {
  it('starts with security and a password file, says 401 and 200, and keeps its data', async () => {
    const owned = { owner: '1000:0', mode: '0400' };
    const secret = await containers.file(image, { name: 'password', text: 'el4stic-pw', ...owned });
    const data = await containers.create('volume');
    const environment = [
      'discovery.type=single-node',
      'xpack.security.enabled=true',
      'xpack.security.http.ssl.enabled=false',
      'ELASTIC_PASSWORD_FILE=/run/secrets/password',
      'ES_JAVA_OPTS=-Xms512m -Xmx512m -XX:TieredStopAtLevel=1',
    ];
    const mounts = [`${secret}:/run/secrets:ro`, `${data}:/usr/share/elasticsearch/data`];
    const limits = ['--cap-drop', 'ALL', '--memory', '1400m', '--publish', '127.0.0.1::9200'];
    const name = await containers.start(image, {
      flags: [...each('--env', environment), ...each('--volume', mounts), ...limits],
    });
    const ask = async (path: string, password?: string, init: RequestInit = {}): Promise<Response> => {
      const login = `Basic ${Buffer.from(`elastic:${password}`).toString('base64')}`;
      const headers = { 'content-type': 'application/json', ...(password && { authorization: login }) };
      const signal = AbortSignal.timeout(5000);
      return await fetch((await containers.address(name, 9200)) + path, { ...init, headers, signal });
    };
    // While a new server makes its index of users, for a second or so, it knows nobody: 200, 401, 200.
    const steady = async (): Promise<boolean> => {
      for (let times = 0; times < 10; times += 1) {
        if (!(await ask('/_cluster/health?wait_for_status=yellow&timeout=2s', 'el4stic-pw')).ok) return false;
        await pause(200);
      }
      return true;
    };
    await containers.until(name, steady, 100);
    expect((await ask('/')).status).toBe(401);
    expect((await ask('/', 'wrong')).status).toBe(401);
    const about = (await (await ask('/', 'el4stic-pw')).json()) as Record<string, unknown>;
    expect(about).toMatchObject({ cluster_name: 'docker-cluster', version: { build_type: 'docker' } });
    const body = JSON.stringify({ word: 'kept' });
    expect((await ask('/kept/_doc/1?refresh=true', 'el4stic-pw', { method: 'PUT', body })).status).toBe(201);

    await containers.docker(['restart', '--time', '30', name]);
    await containers.until(name, steady, 100);
    expect(await (await ask('/kept/_doc/1', 'el4stic-pw')).json()).toMatchObject({
      _source: { word: 'kept' },
    });
    expect(await containers.exec(name, 'id -u; id -g')).toBe('1000\n0');
  });

  it('refuses a password file that others may read', async () => {
    const open = { name: 'password', text: 'x', owner: '1000:0', mode: '0444' };
    const mount = `${await containers.file(image, open)}:/run/secrets:ro`;
    const flags = ['--volume', mount, '--env', 'ELASTIC_PASSWORD_FILE=/run/secrets/password'];
    await expect(containers.once(image, { flags })).rejects.toThrow(/permissions 400 or 600.*444/);
  });
});

describeImage('proxy', (image) => {
  // By owner, not by mode: these folders are there already, and older engines then keep the mode that they had.
  const tmpfs = each('--tmpfs', ['/var/cache/nginx:uid=101,gid=101', '/var/run:uid=101,gid=101']);

  it('serves a page read-only as 101', async () => {
    const name = await containers.start(image, {
      flags: ['--user', '101:101', ...hardened, ...tmpfs, '--publish', '127.0.0.1::80'],
    });
    const address = await containers.address(name, 80);
    await containers.until(name, async () => (await fetch(address)).ok, 20);
    expect(await (await fetch(address)).text()).toContain('nginx');
    expect(await containers.exec(name, 'nginx -t 2>&1')).toContain('test is successful');
    await containers.until(
      name,
      async () => (await containers.logs(name)).includes('"GET / HTTP/1.1" 200'),
      5,
    );
  });

  it('starts as root, with workers that are not', async () => {
    expect(await containers.once(image, { command: ['nginx', '-T'] })).toContain(
      '/etc/nginx/conf.d/default.conf',
    );
    const name = await containers.start(image);
    const owners = 'for p in /proc/[0-9]*; do grep -q nginx: $p/cmdline && stat -c %u $p; done | sort -u';
    await containers.until(name, async () => (await containers.exec(name, owners)) === '0\n101', 10);
  });
});

describeImage(
  'celery-worker',
  (image) => {
    it('answers a ping, does a task, and beat ticks', async () => {
      const network = await containers.create('network');
      const redis = await containers.start(images['redis'] ?? '', {
        flags: words(`--network ${network} --network-alias redis`),
      });
      const environment = `--network ${network} --env CELERY_BROKER_URL=redis://redis:6379/0`;
      const flags = [...words(environment), ...hardened];
      const worker = await containers.start(image, {
        flags,
        command: words('celery -A tasks worker --concurrency 2 --loglevel INFO'),
      });
      const beat = await containers.start(images['celery-beat'] ?? '', {
        flags,
        command: [...words('celery -A tasks beat --schedule /tmp/celerybeat-schedule --pidfile'), ''],
      });
      const ping = 'celery -A tasks inspect ping -d celery@$HOSTNAME';
      await containers.until(worker, async () => (await containers.exec(worker, ping)).includes('pong'), 60);
      const echo = `python3 -c 'import tasks; print(tasks.echo.delay("hello").get(timeout=20))'`;
      expect(await containers.exec(worker, echo)).toBe('hello');
      const ticks = async (): Promise<number> =>
        Number(await containers.exec(redis, 'redis-cli get portiere:ticks'));
      await containers.until(beat, async () => (await ticks()) >= 2, 30);
      expect(await containers.exec(worker, 'id -u')).toBe('1000');
    });
  },
  ['celery-beat', 'redis'],
);

for (const service of ['cloud', 'mapper']) {
  describeImage(service, (image) => {
    it('carries its public values and hides the others', async () => {
      const name = await containers.start(image, {
        flags: [...words('--env SECRET_THING=abcdef --publish 127.0.0.1::3000'), ...hardened],
      });
      const address = await containers.address(name, 3000);
      await containers.until(name, async () => (await fetch(`${address}/api/health`)).ok, 20);
      const page = await (await fetch(address)).text();
      expect(page).toContain(`<h1>Portiere ${service === 'cloud' ? 'Cloud' : 'Mapper'}</h1>`);
      expect(page).toContain('https://api.portiere.test');
      const variable = await (await fetch(`${address}/api/env?name=SECRET_THING`)).json();
      expect(variable).toEqual({ name: 'SECRET_THING', set: true, length: 6 });
      const format = '{{index .Config.Labels "io.portiere.public.NEXT_PUBLIC_API_URL"}}';
      expect(await containers.docker(['inspect', '--format', format, name])).toBe(
        'https://api.portiere.test\n',
      );
      expect(await containers.exec(name, 'id -u')).toBe('1000');
    });
  });
}

describeImage('node', (image) => {
  it('runs node and installs a package', async () => {
    const about = { name: 'x', version: '1.0.0', bin: { x: 'x.js' }, devDependencies: { vitest: '*' } };
    const script = [
      'mkdir /tmp/x /tmp/y && cd /tmp/x && echo "$0" > package.json',
      "printf '#!/usr/bin/env node\\nconsole.log(process.version)' > x.js",
      'cd /tmp/y && npm pack --silent ../x && npm install --omit=dev ./x-1.0.0.tgz >&2 && npx x',
    ];
    const printed = await containers.once(image, {
      flags: ['--user', '1000:1000'],
      command: ['sh', '-c', script.join(' && '), JSON.stringify(about)],
    });
    expect(printed).toMatch(/\nv24\.\d+\.\d+\n$/);
    expect(await containers.once(image, { command: ['-p', '1 + 1'] })).toBe('2\n');
  });
});
