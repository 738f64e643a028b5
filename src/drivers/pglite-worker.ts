import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';

import { PGlite } from '@electric-sql/pglite';

import { gateway } from './pglite-gateway.ts';
import type { ProtocolEngine } from './pglite-wire.ts';

/** Worker thread that owns one PGlite folder and serves it on a Unix socket until it is told to close. */
const { folder, socket } = workerData as { folder: string; socket: string };

// Optimising one function of the size of Postgres' interpreter takes 0.4 GB for half a second (measured: peak 877 MB
// against 317 MB), soon after opening; a budget this high puts that off until there is real work.
setFlagsFromString('--wasm-tiering-budget=200000000');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const database = await openOrCreate();
// Opening leaves some 0.3 GB of garbage that nothing would make V8 collect soon.
collect();
await database.exec("SET client_min_messages = 'warning'");
const server = await listen(socket);
parentPort?.on('message', (message) => {
  if (message === 'close') void close();
});
parentPort?.postMessage('ready');

/**
 * Creating a folder takes seconds and writes a thousand files. A mark beside it tells, after a kill or on a full disk,
 * that it never got finished and is to be made anew; nothing of anybody's is in it before the mark is gone.
 */
async function openOrCreate(): Promise<PGlite> {
  const mark = `${folder}.creating`;
  if (existsSync(mark)) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(path.join(folder, 'PG_VERSION'))) writeFileSync(mark, '');
  try {
    const opened = await PGlite.create(folder);
    rmSync(mark, { force: true });
    return opened;
  } catch (error) {
    throw systemError(error);
  }
}

/** PGlite's file system throws plain objects with WASI's numbers. */
function systemError(error: unknown): unknown {
  const names: Readonly<Record<number, string>> = {
    2: 'EACCES',
    19: 'EDQUOT',
    51: 'ENOSPC',
    63: 'EPERM',
    69: 'EROFS',
  };
  const { errno } = error as { errno?: number };
  const code = errno === undefined ? undefined : names[errno];
  if (code !== undefined)
    return Object.assign(new Error(`Postgres cannot write its files: ${code}`), { code });
  return error instanceof Error ? error : new Error(`Postgres cannot open its files (${String(errno)})`);
}

async function listen(address: string): Promise<Server> {
  // Only the holder of the folder's lease gets here: a socket file that is there was left by a dead process.
  if (existsSync(address)) rmSync(address);
  const created = createServer(gateway(collected(database)));
  await new Promise<void>((resolve, reject) => {
    created.once('error', reject);
    created.listen(address, resolve);
  });
  return created;
}

/**
 * Every call of PGlite leaves about 80 kB of generated code that V8 does not count as pressure (measured: 0.5 GB
 * after 6,000 queries); collecting now and then keeps the process flat.
 */
function collected(engine: PGlite): ProtocolEngine {
  let calls = 0;
  return {
    async execProtocolRaw(message) {
      calls += 1;
      if (calls % 500 === 0) collect();
      return await engine.execProtocolRaw(message);
    },
    exec: async (sql) => await engine.exec(sql),
  };
}

async function close(): Promise<void> {
  server.close();
  await database.close();
  rmSync(socket, { force: true });
  parentPort?.postMessage('closed');
  parentPort?.close();
}
