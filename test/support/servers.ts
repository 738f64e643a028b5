import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import type { DatabaseTarget } from '../../src/ports.ts';
import { freePort, until } from './cli.ts';

/** A server of a test's own that can be stopped, frozen and started again at the same port. */
export interface TestServer {
  readonly port: number;
  start(): Promise<void>;
  /** Kills it as a crash would. */
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. */
  end(): Promise<void>;
}

const postgresBinaries = globSync('/usr/lib/postgresql/*/bin').find((bin) => existsSync(`${bin}/initdb`));
const redisBinary = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((file) => existsSync(file));

/** Why tests against these servers are skipped, for their titles; undefined where they are there. */
export const lackingPostgres =
  postgresBinaries === undefined ? ' (skipped: no initdb in /usr/lib/postgresql/*/bin)' : undefined;
export const lackingRedis = redisBinary === undefined ? ' (skipped: no redis-server)' : undefined;

/** Redis in memory, with a password. */
export async function startRedis(password: string): Promise<TestServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-redis-'));
  const port = await freePort();
  const file = path.join(folder, 'redis.conf');
  await writeFile(file, `port ${port}\nbind 127.0.0.1\nsave ""\ndir ${folder}\nrequirepass ${password}\n`);
  return await serverOf(port, folder, () => spawn(redisBinary ?? '', [file], { stdio: 'ignore' }));
}

/** Postgres with one user and an empty database, both called portiere. */
export async function startPostgres(
  password: string,
): Promise<TestServer & { readonly target: DatabaseTarget & { kind: 'server' } }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-postgres-'));
  await chmod(folder, 0o755);
  const data = path.join(folder, 'data');
  await mkdir(data);
  await writeFile(path.join(folder, 'password'), password, { mode: 0o644 });
  // Postgres refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if ('uid' in user) execFileSync('chown', ['-R', '65534:65534', data]);
  const auth = ['-A', 'scram-sha-256', '-U', 'portiere', `--pwfile=${path.join(folder, 'password')}`];
  const bin = (name: string): string => path.join(postgresBinaries ?? '', name);
  execFileSync(bin('initdb'), ['-D', data, '-E', 'UTF8', '--no-sync', ...auth], {
    ...user,
    cwd: folder,
    stdio: 'pipe',
  });
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${data}`,
    'fsync=off',
  ];
  const server = await serverOf(port, folder, () =>
    spawn(bin('postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], {
      ...user,
      cwd: folder,
      stdio: 'ignore',
    }),
  );
  const target = { kind: 'server', host: '127.0.0.1', port, user: 'portiere', password } as const;
  const asUser = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'portiere', PGPASSWORD: password };
  const psql = (statement: string): void => {
    execFileSync(bin('psql'), ['-c', statement, 'postgres'], { env: asUser, stdio: 'pipe' });
  };
  // It listens a moment before it takes anybody in.
  await until('Postgres takes a session', () => {
    try {
      psql('SELECT 1');
      return true;
    } catch {
      return false;
    }
  });
  psql('CREATE DATABASE portiere');
  return { ...server, target: { ...target, database: 'portiere' } };
}

async function serverOf(port: number, folder: string, run: () => ChildProcess): Promise<TestServer> {
  let child: ChildProcess | undefined;
  const server: TestServer = {
    port,
    async start() {
      child = run();
      await until(`a server at port ${port}`, async () => await accepts(port));
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGCONT');
      // To Postgres this is a crash too, but its processes go with it.
      child.kill('SIGQUIT');
      await gone;
    },
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    async end() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
}
