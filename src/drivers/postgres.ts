import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';

import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

import { fromSystemError, PortiereError } from '../errors.ts';
import type { ConnectOptions, Database, DatabaseTarget, Databases, Leases } from '../ports.ts';

const dateOid = 1082;
const int8Oid = 20;
/** Under this name a server holds the folder, so that those who find it held know to wait for its socket. */
const servingCommand = 'serve';
const socketName = '.s.PGSQL.5432';

/** Postgres through one driver: a real server by TCP, or PGlite behind a Unix socket. */
export function databasesFor(leases: Leases): Databases {
  return {
    connect: async (target, options) =>
      target.kind === 'server'
        ? await connectServer(target, options)
        : await connectEmbedded(leases, target.folder, options),
    serve: async (folder) => await openFolder(leases, folder, servingCommand, undefined),
  };
}

/** Through the socket of the process that has the folder; where none has it, by opening it here. */
async function connectEmbedded(leases: Leases, folder: string, options: ConnectOptions): Promise<Database> {
  const served = await servedSocket(leases, folder, options.timeout);
  const on = (host: string): pg.ClientConfig => ({ host, user: 'postgres', database: 'postgres' });
  if (served !== undefined) return await session(on(served), 'embedded (served)', options);
  const owner = await openFolder(leases, folder, options.command, `private-${process.pid}`);
  try {
    const database = await session(on(owner.host), 'embedded', options);
    return {
      ...database,
      async close() {
        await database.close().finally(async () => await owner.close());
      },
    };
  } catch (error) {
    await owner.close();
    throw error;
  }
}

/** The folder of the well-known socket once it answers; a server that has the folder but is still starting is waited for. */
async function servedSocket(leases: Leases, folder: string, timeout: number): Promise<string | undefined> {
  const end = Date.now() + timeout;
  const served = socketFolder(folder);
  while (!(await answers(path.join(served, socketName)))) {
    const holder = await leases.holder(leaseOf(folder));
    if (holder?.command !== servingCommand || Date.now() > end) return undefined;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  return served;
}

async function connectServer(
  target: DatabaseTarget & { kind: 'server' },
  options: ConnectOptions,
): Promise<Database> {
  const where = `${target.host}:${target.port}/${target.database}`;
  return await session(
    {
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.user,
      ...(target.password === undefined ? {} : { password: target.password }),
    },
    where,
    options,
  );
}

async function session(config: pg.ClientConfig, where: string, options: ConnectOptions): Promise<Database> {
  const client = new pg.Client({
    ...config,
    application_name: `portiere ${options.command}`,
    connectionTimeoutMillis: options.timeout,
    types,
  });
  // A connection that dies between queries reports it here; the next query then fails with the reason.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new PortiereError(
      'DATABASE_UNREACHABLE',
      `Postgres at ${where} refuses: ${(error as Error).message}.`,
      {
        hint: where.startsWith('embedded')
          ? 'Look at: portiere logs; then run: portiere down && portiere up'
          : 'Check DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD with: portiere config show',
        cause: error,
      },
    );
  }
  return {
    description: where,
    async query(sql, values = []) {
      const result = await inWords(where, client.query<Record<string, unknown>>(sql, [...values]));
      return { rows: result.rows, rowCount: result.rowCount ?? 0 };
    },
    async script(sql) {
      await inWords(where, client.query(sql));
    },
    async copyIn(sql, chunks) {
      const stream = client.query(copyFrom(sql));
      await inWords(where, pipeline(Readable.from(chunks, { objectMode: false }), stream));
      return stream.rowCount;
    },
    async close() {
      await client.end();
    },
  };
}

/** A full disk and a server that went away, in our words; what else Postgres says is for the caller to judge. */
async function inWords<T>(where: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === '53100' || /No space left on device/.test(message)) {
      throw fromSystemError(Object.assign(new Error(message), { code: 'ENOSPC' }), `the database ${where}`);
    }
    if (
      !/^Connection terminated|connection error|not queryable|^ECONN|EPIPE/.test(message) &&
      code !== '57P01'
    )
      throw error;
    throw new PortiereError(
      'DATABASE_UNREACHABLE',
      `The connection to Postgres at ${where} was lost: ${message}.`,
      {
        hint: 'Nothing published was touched. See what is down with: portiere health; then run the same command again.',
        cause: error,
      },
    );
  }
}

/** int8 as a number (our ids are safe integers), dates as the text that Postgres sends; the rest as pg does. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') => {
    if (oid === int8Oid) return Number;
    if (oid === dateOid) return String;
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- any oid is a type id
    return pg.types.getTypeParser(oid, format);
  }) as pg.CustomTypesConfig['getTypeParser'],
};

interface OpenFolder {
  readonly host: string;
  close(): Promise<void>;
}

function leaseOf(folder: string): string {
  return `${folder}.lease`;
}

/** Opens a PGlite folder in a worker thread, under its lease; `label` undefined publishes the well-known socket. */
async function openFolder(
  leases: Leases,
  folder: string,
  command: string,
  label: string | undefined,
): Promise<OpenFolder> {
  const lease = await leases.take(leaseOf(folder), command);
  try {
    removePrivateSockets(folder);
    const host = socketFolder(folder, label);
    const { worker, gone } = await startWorker(folder, path.join(host, socketName));
    return {
      host,
      async close() {
        worker.ref();
        worker.postMessage('close');
        await gone;
        if (label !== undefined) rmSync(host, { recursive: true, force: true });
        await lease.release();
      },
    };
  } catch (error) {
    removePrivateSockets(folder);
    await lease.release();
    throw unopened(fromSystemError(error, folder), folder);
  }
}

function unopened(error: unknown, folder: string): PortiereError {
  if (error instanceof PortiereError) return error;
  return new PortiereError(
    'DATABASE_UNREACHABLE',
    `The embedded Postgres in ${folder} cannot be opened: ${(error as Error).message}`,
    { hint: `Where it is damaged, move ${folder} away and run: portiere up`, cause: error },
  );
}

/** What killed commands left: the holder of the folder's lease is the only one with a private socket. */
function removePrivateSockets(folder: string): void {
  const beside = path.dirname(folder);
  if (!existsSync(beside)) return;
  for (const name of readdirSync(beside)) {
    if (name.startsWith('private-')) rmSync(path.join(beside, name), { recursive: true, force: true });
  }
}

async function startWorker(folder: string, socket: string): Promise<{ worker: Worker; gone: Promise<void> }> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = import.meta.url.endsWith('.ts') ? './pglite-worker.ts' : './pglite-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: { folder, socket } });
  const gone = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => {
      resolve();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(
        new PortiereError(
          'DATABASE_UNREACHABLE',
          `The embedded Postgres in ${folder} ended at once (${code}).`,
        ),
      );
    });
  });
  worker.unref();
  return { worker, gone };
}

/** A folder for the socket: beside the data, or (a socket's path holds about 100 bytes) in a private temporary one. */
function socketFolder(folder: string, label?: string): string {
  const beside = path.join(path.dirname(folder), label ?? 'socket');
  const chosen =
    Buffer.byteLength(path.join(beside, socketName)) < 100
      ? beside
      : path.join(os.tmpdir(), `portiere-${createHash('sha256').update(beside).digest('hex').slice(0, 16)}`);
  mkdirSync(chosen, { recursive: true, mode: 0o700 });
  const found = statSync(chosen);
  if (found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new PortiereError('PERMISSION_DENIED', `The socket folder ${chosen} is open to others.`, {
      hint: `Remove it, or: chmod 700 ${chosen}`,
    });
  }
  return chosen;
}

async function answers(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connectSocket(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
}
