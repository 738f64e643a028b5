import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { build } from '../../src/commands/index/build.ts';
import { plan, status, up } from '../../src/commands/migrate.ts';
import { load } from '../../src/commands/vocabulary.ts';
import { clock } from '../../src/drivers/clock.ts';
import { files } from '../../src/drivers/files.ts';
import { leases } from '../../src/drivers/lease.ts';
import { databasesFor } from '../../src/drivers/postgres.ts';
import type { Database, DatabaseTarget, Ports } from '../../src/ports.ts';
import { goodProd } from '../config/given.ts';
import { fakePorts, type World } from '../support/ports.ts';
import { fakeSearchEngine, onlyEngine } from '../support/search-engine.ts';

const databases = databasesFor(leases);
const root = fileURLToPath(new URL('../..', import.meta.url));
const options = { command: 'test', timeout: 20_000 };

let folder: string;
let open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-postgres-'));
});
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close().catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

async function connect(target: DatabaseTarget): Promise<Database> {
  const database = await databases.connect(target, options);
  open.push(database);
  return database;
}

async function* chunks(count: number, row: (at: number) => string): AsyncGenerator<Buffer> {
  for (let at = 0; at < count; at += 1000) {
    yield Buffer.from(
      Array.from({ length: Math.min(1000, count - at) }, (_, more) => row(at + more)).join(''),
    );
  }
}
const numbered = (at: number): string => `${at}\t${'x'.repeat(90)}\n`;

/** How many rows a table has. */
const rows = async (database: Database, table: string): Promise<unknown> =>
  (await database.query(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.['n'];

/** A program beside us with the real driver in hand; resolves once it prints its first line. */
async function beside(script: string): Promise<ChildProcess> {
  const program = `
    const { leases } = await import(${JSON.stringify(path.join(root, 'src/drivers/lease.ts'))});
    const { databasesFor } = await import(${JSON.stringify(path.join(root, 'src/drivers/postgres.ts'))});
    const databases = databasesFor(leases);
    ${script}`;
  const file = path.join(folder, 'beside.mjs');
  await writeFile(file, program);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  open.push({
    async close() {
      if (child.exitCode === null && child.signalCode === null) await killed(child);
    },
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the program beside us ended before it said anything');
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** What any Postgres must do behind the driver, whichever kind it is. */
function behaves(target: () => Promise<DatabaseTarget>): void {
  it('copies in many slices, whole', async () => {
    const database = await connect(await target());
    await database.script('CREATE TABLE t (id bigint, text text)');
    expect(await database.copyIn('COPY t FROM STDIN', chunks(150_000, numbered))).toBe(150_000);
    const { rows: found } = await database.query('SELECT count(*) AS n, sum(id) AS sum FROM t');
    expect(found).toEqual([{ n: 150_000, sum: '11249925000' }]);
  });

  it('leaves nothing of a copy that fails, in whichever slice, or whose source breaks', async () => {
    const database = await connect(await target());
    await database.script('CREATE TABLE t (id bigint, text text)');
    for (const bad of [3, 100_000]) {
      const rotten = chunks(120_000, (at) => (at === bad ? 'no number\tx\n' : numbered(at)));
      await expect(database.copyIn('COPY t FROM STDIN', rotten)).rejects.toThrow('invalid input syntax');
      expect(await rows(database, 't')).toBe(0);
    }
    async function* broken(): AsyncGenerator<Buffer> {
      yield* chunks(100_000, numbered);
      throw new Error('the source broke');
    }
    await expect(database.copyIn('COPY t FROM STDIN', broken())).rejects.toThrow('the source broke');
    expect(await rows(database, 't')).toBe(0);
    expect(await database.copyIn('COPY t FROM STDIN', chunks(10, numbered))).toBe(10);
  });

  it('fails the transaction around a copy that was given up', async () => {
    const database = await connect(await target());
    await database.script('CREATE TABLE t (id bigint, text text)');
    async function* broken(): AsyncGenerator<Buffer> {
      yield* chunks(100_000, numbered);
      throw new Error('the source broke');
    }
    await database.script('BEGIN');
    await expect(database.copyIn('COPY t FROM STDIN', broken())).rejects.toThrow('the source broke');
    await expect(database.query('SELECT 1')).rejects.toThrow('current transaction is aborted');
    await database.script('ROLLBACK');
    expect(await rows(database, 't')).toBe(0);
  });

  it('gives numbers for int8, text for dates, and takes parameters', async () => {
    const database = await connect(await target());
    const { rows: found } = await database.query(
      'SELECT 2000000001::bigint AS id, $1::date AS day, $2::text[] AS list, NULL::text AS none',
      ['2023-05-31', ['a', 'b']],
    );
    expect(found).toEqual([{ id: 2_000_000_001, day: '2023-05-31', list: ['a', 'b'], none: null }]);
  });
}

/** What any two clients of one Postgres must see of each other. */
function isolates(target: () => Promise<DatabaseTarget>): void {
  it('keeps the statements of two clients apart', async () => {
    const where = await target();
    const [one, two] = [await connect(where), await connect(where)];
    await one.script('CREATE TABLE t (id bigint)');
    const insert = async (database: Database, from: number): Promise<void> => {
      for (let id = from; id < from + 60; id++) await database.query('INSERT INTO t VALUES ($1)', [id]);
    };
    await Promise.all([insert(one, 0), insert(two, 100)]);
    expect(await rows(two, 't')).toBe(120);
  });

  it('shows nothing of a transaction to the other before it ends, and nothing of one that died', async () => {
    const where = await target();
    const [one, two] = [await connect(where), await connect(where)];
    await one.script('CREATE TABLE t (id bigint)');
    await one.script('BEGIN');
    await one.query('INSERT INTO t VALUES (1)');
    const seen = rows(two, 't');
    await one.script('ROLLBACK');
    expect(await seen).toBe(0);
    await one.script('BEGIN');
    await one.query('INSERT INTO t VALUES (1)');
    await one.close();
    expect(await rows(two, 't')).toBe(0);
  });
}

describe('the embedded Postgres', () => {
  const target = async (): Promise<DatabaseTarget> => ({
    kind: 'embedded',
    folder: path.join(folder, 'postgres'),
  });
  const served = async (): Promise<DatabaseTarget> => {
    const where = await target();
    if (where.kind === 'embedded') open.push(await databases.serve(where.folder));
    return where;
  };

  behaves(target);
  isolates(served);

  it('serves on, to everyone, after a client was killed in the middle of a copy', async () => {
    const where = await served();
    const database = await connect(where);
    await database.script('CREATE TABLE t (id bigint)');
    const child = await beside(`
      const database = await databases.connect(${JSON.stringify(where)}, { command: 'load', timeout: 20000 });
      async function* endless() {
        for (let turn = 0; ; turn++) {
          yield Buffer.from('1\\n'.repeat(100000));
          if (turn === 50) console.log('copying');
          await new Promise(setImmediate);
        }
      }
      await database.copyIn('COPY t FROM STDIN', endless());`);
    await killed(child);
    expect(await rows(database, 't')).toBe(0);
    expect(await rows(await connect(where), 't')).toBe(0);
  });

  it('is LOCKED by name while another process has the folder, and free again once that was killed', async () => {
    const where = await target();
    const child = await beside(`
      const database = await databases.connect(${JSON.stringify(where)}, { command: 'index build', timeout: 20000 });
      await database.script('CREATE TABLE t (id bigint); INSERT INTO t VALUES (1), (2)');
      await database.script('BEGIN; INSERT INTO t VALUES (3)');
      console.log('open');
      setInterval(() => {}, 1000);`);
    await expect(connect(where)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(`\`index build\` \\(pid ${child.pid} on `),
    });
    await killed(child);
    expect(await rows(await connect(where), 't')).toBe(2);
    expect((await readdir(folder)).filter((name) => name.startsWith('private-'))).toHaveLength(1);
  });

  it('leaves neither lease nor private socket when it is closed', async () => {
    const where = await target();
    await (await connect(where)).close();
    expect((await readdir(folder)).filter((name) => /lease|private/.test(name))).toEqual([]);
  });

  it('says which folder cannot be opened, and keeps nothing', async () => {
    await mkdir(path.join(folder, 'postgres'));
    await writeFile(path.join(folder, 'postgres', 'PG_VERSION'), 'not a database');
    await expect(connect(await target())).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining(path.join(folder, 'postgres')),
    });
    expect((await readdir(folder)).filter((name) => name.endsWith('.lease'))).toEqual([]);
  });
});

const binaries = globSync('/usr/lib/postgresql/*/bin').find((bin) => existsSync(path.join(bin, 'initdb')));
const lacking = binaries === undefined ? ' (skipped: no initdb in /usr/lib/postgresql/*/bin)' : '';

describe.skipIf(binaries === undefined)(`a real Postgres server${lacking}`, () => {
  const password = 'pH7r2Wk9Qx4Vz1Nc8Lt5';
  let home: string;
  let server: ChildProcess;
  let port: number;
  let made = 0;
  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'portiere-server-'));
    await chmod(home, 0o755);
    port = await freePort();
    const data = path.join(home, 'data');
    await mkdir(data);
    await writeFile(path.join(home, 'password'), password, { mode: 0o644 });
    // Postgres refuses to run as root.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    if ('uid' in user) execFileSync('chown', ['-R', '65534:65534', data]);
    const bin = (name: string): string => path.join(binaries ?? '', name);
    const auth = ['-A', 'scram-sha-256', '-U', 'portiere', `--pwfile=${path.join(home, 'password')}`];
    execFileSync(bin('initdb'), ['-D', data, '-E', 'UTF8', '--no-sync', ...auth], {
      ...user,
      cwd: home,
      stdio: 'pipe',
    });
    const listen = [
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${data}`,
    ];
    server = spawn(bin('postgres'), ['-D', data, ...listen, '-c', 'fsync=off'], {
      ...user,
      cwd: home,
      stdio: 'ignore',
    });
    const end = Date.now() + 30_000;
    while (!(await answers())) {
      if (Date.now() > end) throw new Error('the Postgres server does not start');
      await clock.sleep(100);
    }
  });
  afterAll(async () => {
    const gone = once(server, 'exit');
    server.kill('SIGQUIT');
    await gone;
    await rm(home, { recursive: true, force: true });
  });

  const at = (database: string): DatabaseTarget & { kind: 'server' } => ({
    kind: 'server',
    host: '127.0.0.1',
    port,
    database,
    user: 'portiere',
    password,
  });
  const answers = async (): Promise<boolean> =>
    await databases.connect(at('postgres'), options).then(
      async (database) => {
        await database.close();
        return true;
      },
      () => false,
    );
  /** A database of its own for each test. */
  const target = async (): Promise<DatabaseTarget & { kind: 'server' }> => {
    const admin = await databases.connect(at('postgres'), options);
    const name = `test_${(made += 1)}`;
    await admin.script(`CREATE DATABASE ${name}`);
    await admin.close();
    return at(name);
  };
  /** Commands of the environment `test` against a database, with the real drivers. */
  const world = async (given: Partial<Ports> = {}): Promise<{ ports: Ports; where: DatabaseTarget }> => {
    const where = await target();
    const settings = { DB_HOST: where.host, DB_PORT: port, DB_NAME: where.database, DB_USER: where.user };
    const config = {
      environment: 'test',
      settings: { ...settings, FAISS_INDEX_PATH: 'index/dense.faiss', EMBEDDING_MODEL: 'hashing' },
    };
    const env = { ...goodProd, DB_PASSWORD: password };
    const settingsFiles: World['ports'] = {
      settingsFiles: {
        load: async () => ({
          path: path.join(folder, 'portiere.config.yaml'),
          data: { version: 1, ...config },
          lineOf: () => undefined,
        }),
      },
    };
    return {
      where,
      ports: fakePorts({ env, ports: { ...settingsFiles, files, leases, databases, clock, ...given } }),
    };
  };

  behaves(target);
  isolates(target);

  it('says who was refused where the password or the database is wrong, without the password', async () => {
    for (const wrong of [{ ...at('postgres'), password: 'wrong-password' }, at('none')]) {
      const error: unknown = await connect(wrong).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'DATABASE_UNREACHABLE',
        message: expect.stringContaining(`127.0.0.1:${port}/`),
        hint: expect.stringContaining('DB_PASSWORD'),
      });
      expect(String(error)).not.toContain('wrong-password');
    }
    await expect(connect({ ...at('postgres'), port: 1 })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
  });

  it('migrates once: plan, up, status, and again', async () => {
    const { ports } = await world();
    expect(await plan(ports, { detailedExitcode: true })).toMatchObject({
      exitCode: 2,
      data: { applied: [] },
    });
    const { data } = await up(ports, {});
    const { applied } = data as { applied: string[] };
    expect(applied.length).toBeGreaterThanOrEqual(4);
    expect((await up(ports, {})).data).toEqual({ applied: [] });
    expect(await plan(ports, { detailedExitcode: true })).toMatchObject({
      exitCode: 0,
      data: { applied, pending: [] },
    });
    expect((await status(ports, {})).data).toMatchObject({ applied, pending: [] });
  });

  it('applies each migration once where two run at the same time', async () => {
    const { ports } = await world();
    const other = { ...ports, leases: fakePorts().leases };
    const both = await Promise.all([up(ports, {}), up(other, {})]);
    const counts = both
      .map(({ data }) => (data as { applied: string[] }).applied.length)
      .sort((a, b) => a - b);
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThanOrEqual(4);
  });

  it.each([
    [
      'an edited migration',
      "UPDATE portiere_migration SET checksum = 'x' WHERE name LIKE '0002%'",
      'MIGRATION_CHANGED',
    ],
    [
      'one that we do not have',
      "INSERT INTO portiere_migration VALUES ('9999_z.sql', 'x', now(), 'x')",
      'MIGRATION_UNKNOWN',
    ],
    ['a gap', "DELETE FROM portiere_migration WHERE name LIKE '0002%'", 'MIGRATION_GAP'],
  ])('refuses %s and changes nothing', async (_case, change, code) => {
    const { ports, where } = await world();
    await up(ports, {});
    const database = await connect(where);
    await database.script(change);
    const before = await database.query('SELECT * FROM portiere_migration ORDER BY name');
    for (const command of [plan, status, up])
      await expect(command(ports, {})).rejects.toMatchObject({ code });
    expect(await database.query('SELECT * FROM portiere_migration ORDER BY name')).toEqual(before);
  });

  it('rolls a migration back that fails, and names it', async () => {
    const { ports } = await world();
    const templates = path.join(folder, 'templates');
    await cp(ports.self.templates, templates, { recursive: true });
    await writeFile(
      path.join(templates, 'postgres', 'migrations', '9000_bad.sql'),
      'CREATE TABLE half (id int); SELECT 1/0;',
    );
    const bad = { ...ports, self: { ...ports.self, templates } };
    await expect(up(bad, {})).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/9000_bad.*division by zero/),
    });
    expect((await plan(bad, {})).data).toMatchObject({ pending: ['9000_bad.sql'] });
    expect((await up(ports, {})).data).toEqual({ applied: [] });
  });

  it('loads the sample and builds an index from the database', async () => {
    const engine = fakeSearchEngine();
    const { ports } = await world({ searchEngines: onlyEngine(engine) });
    const loaded = (await load(ports, {})).data as Record<string, unknown>;
    expect(loaded).toMatchObject({ concepts: 309, relationships: 942, unusable_rows: 0 });
    const built = (await build(ports, { source: 'database' })).data;
    expect(built).toMatchObject({
      source: { kind: 'database', digest: loaded['digest'] },
      counts: { concepts: 309 },
    });
    const again = (await build(ports, {})).data as { counts: unknown };
    expect(again.counts).toEqual((built as { counts: unknown }).counts);
  });

  it('keeps the published load when one is killed in the middle, and sweeps what that left', async () => {
    const { ports, where } = await world();
    await load(ports, {});
    const database = await connect(where);
    const tables = async (): Promise<unknown[]> =>
      (
        await database.query(
          "SELECT relname FROM pg_class WHERE relname ~ '^concept.*_b[0-9]+$' AND relkind = 'r' ORDER BY 1",
        )
      ).rows.map((row) => row['relname']);
    const published = await tables();
    const child = await beside(`
      const { loadVocabulary } = await import(${JSON.stringify(path.join(root, 'src/search/populate/load-vocabulary.ts'))});
      const { memorySource, concepts } = await import(${JSON.stringify(path.join(root, 'test/search/index/given.ts'))});
      const database = await databases.connect(${JSON.stringify(where)}, { command: 'vocab load', timeout: 20000 });
      async function* endless() {
        for (let turn = 0; ; turn++) {
          yield concepts.map((one) => ({ ...one, concept_id: one.concept_id + turn * 10 }));
          if (turn === 2000) console.log('loading');
        }
      }
      await loadVocabulary(database, memorySource({ concepts: endless }), { update() {}, say() {} });`);
    await killed(child);
    expect(await tables()).toEqual(expect.arrayContaining(published));
    expect((await tables()).length).toBeGreaterThan(published.length);
    const count = 'SELECT count(*) AS n FROM concept';
    expect((await database.query(count)).rows).toEqual([{ n: 309 }]);
    await load(ports, {});
    expect(await tables()).toHaveLength(published.length);
    expect((await database.query(count)).rows).toEqual([{ n: 309 }]);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
