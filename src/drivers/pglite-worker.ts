import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
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
const database = await PGlite.create(folder);
// Opening leaves some 0.3 GB of garbage that nothing would make V8 collect soon.
collect();
await database.exec("SET client_min_messages = 'warning'");
const server = await listen(socket);
parentPort?.on('message', (message) => {
  if (message === 'close') void close();
});
parentPort?.postMessage('ready');

async function listen(path: string): Promise<Server> {
  // Only the holder of the folder's lease gets here: a socket file that is there was left by a dead process.
  if (existsSync(path)) rmSync(path);
  const created = createServer(gateway(collected(database)));
  await new Promise<void>((resolve, reject) => {
    created.once('error', reject);
    created.listen(path, resolve);
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
