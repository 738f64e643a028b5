import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import { type Migration, type MigrationPlan, planMigrations } from '../plan/migrate.ts';
import type { Database, GlobalOptions, Outcome, Ports } from '../ports.ts';
import { hasJobsInside, openProject, type Project, underLease } from './context.ts';

/** What would be applied; 2 with `--detailed-exitcode` where something would. */
export async function plan(
  ports: Ports,
  options: GlobalOptions & { detailedExitcode?: boolean },
): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) return await inStack(ports, options, { project, verb: 'plan' });
  const found = await readPlan(ports, project, 'migrate plan');
  return {
    exitCode: options.detailedExitcode === true && found.pending.length > 0 ? 2 : 0,
    data: { applied: found.applied, pending: found.pending.map(({ name }) => name) },
    view: [
      found.pending.length === 0
        ? `The database is up to date: ${found.applied.length} migrations applied.`
        : `Would apply, in this order:\n${found.pending.map(({ name }) => `  ${name}`).join('\n')}`,
    ],
  };
}

/** Every migration and whether it is applied. */
export async function status(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) return await inStack(ports, options, { project, verb: 'status' });
  const { database, applied, pending } = await readPlan(ports, project, 'migrate status');
  const rows = [...applied.map((name) => [name, 'applied']), ...pending.map(({ name }) => [name, 'pending'])];
  return {
    data: { database, applied, pending: pending.map(({ name }) => name) },
    view: [database, { header: ['migration', 'state'], rows }],
  };
}

async function inStack(
  ports: Ports,
  options: GlobalOptions & { detailedExitcode?: boolean },
  { project, verb }: { readonly project: Project; readonly verb: string },
): Promise<Outcome> {
  const detailed = options.detailedExitcode === true ? ['--detailed-exitcode'] : [];
  const request = { argv: ['migrate', verb, ...detailed], changes: verb === 'up' };
  return await (await import('./stack/job.ts')).runInStack(ports, options, { project, request });
}

/** What a database lacks, and which it is. To look at an embedded one that is not there yet would create it. */
async function readPlan(
  ports: Ports,
  project: Project,
  command: string,
): Promise<MigrationPlan & { readonly database: string }> {
  const target = project.database;
  if (target.kind === 'embedded' && !(await ports.files.exists(path.join(target.folder, 'PG_VERSION')))) {
    return { ...planMigrations(await loadMigrations(ports), []), database: 'embedded (not created yet)' };
  }
  return await withDatabase(ports, project, command, async (database) => ({
    ...(await look(ports, database)),
    database: database.description,
  }));
}

/** Applies what is pending, one transaction a file. */
export async function up(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  if (options.dryRun === true) return await plan(ports, options);
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) return await inStack(ports, options, { project, verb: 'up' });
  return await underLease(ports, project, 'migrate up', async () => {
    const applied = await withDatabase(
      ports,
      project,
      'migrate up',
      async (database) =>
        await ports.reporter.step('Migrate the database', async () => await applyMigrations(ports, database)),
    );
    return {
      data: { applied },
      view: [applied.length === 0 ? 'Nothing to migrate.' : `Applied: ${applied.join(', ')}.`],
    };
  });
}

/** Applies pending migrations under an advisory lock (which a real server honours; PGlite has one session anyway). */
export async function applyMigrations(ports: Ports, database: Database): Promise<readonly string[]> {
  await lock(ports, database);
  try {
    await database.script(ledger);
    const { pending } = await look(ports, database);
    for (const migration of pending) await apply(ports, database, migration);
    return pending.map(({ name }) => name);
  } finally {
    await database.query('SELECT pg_advisory_unlock($1)', [lockKey]);
  }
}

export async function withDatabase<T>(
  ports: Ports,
  project: Project,
  command: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await ports.databases.connect(project.database, { command, timeout: 20_000 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const lockKey = 7_070_311;
const lockBudget = 30_000;
const ledger = `CREATE TABLE IF NOT EXISTS portiere_migration (
  name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL)`;

/** What is applied and what is pending. Reads only. */
export async function look(ports: Ports, database: Database): Promise<MigrationPlan> {
  const { rows: there } = await database.query(
    "SELECT to_regclass('portiere_migration') IS NOT NULL AS known",
  );
  const applied =
    there[0]?.['known'] === true
      ? (await database.query('SELECT name, checksum FROM portiere_migration')).rows
      : [];
  return planMigrations(await loadMigrations(ports), applied as never);
}

async function lock(ports: Ports, database: Database): Promise<void> {
  const end = ports.clock.elapsed() + lockBudget;
  for (;;) {
    const { rows } = await database.query('SELECT pg_try_advisory_lock($1) AS got', [lockKey]);
    if (rows[0]?.['got'] === true) return;
    if (ports.clock.elapsed() > end) {
      throw new PortiereError(
        'LOCKED',
        `Another migration has held the lock of ${database.description} for 30 s.`,
        {
          hint: 'Wait for it, or look at pg_locks and pg_stat_activity.',
        },
      );
    }
    await ports.clock.sleep(250);
  }
}

async function apply(ports: Ports, database: Database, migration: Migration): Promise<void> {
  await database.script('BEGIN');
  try {
    await database.script("SET LOCAL lock_timeout = '3s'");
    await database.script(migration.sql);
    await database.query('INSERT INTO portiere_migration (name, checksum, applied_by) VALUES ($1, $2, $3)', [
      migration.name,
      migration.checksum,
      `portiere ${ports.self.version}`,
    ]);
    await database.script('COMMIT');
  } catch (error) {
    await database.script('ROLLBACK').catch(() => undefined);
    if (error instanceof PortiereError) throw error;
    throw new PortiereError(
      'MIGRATION_FAILED',
      `Migration ${migration.name} failed: ${(error as Error).message}.`,
      {
        hint: 'It was rolled back; mend the cause and run: portiere migrate up',
        cause: error,
      },
    );
  }
}

async function loadMigrations(ports: Ports): Promise<Migration[]> {
  const folder = path.join(ports.self.templates, 'postgres', 'migrations');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return await Promise.all(
    names.map(async (name) => {
      const sql = (await readFile(path.join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
