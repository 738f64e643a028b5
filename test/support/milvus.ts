import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { vectorDatabases } from '../../src/drivers/milvus.ts';
import { freePort, root, until } from './cli.ts';

/** Milliseconds for one start. */
const patience = 75_000;
const program = join(root, '.bench/milvus/bin/milvus-server');

/** Why tests against it are skipped, for their titles; undefined where they run. */
export const lackingMilvus = existsSync(program)
  ? undefined
  : ' (skipped: no .bench/milvus; python3 -m venv .bench/milvus && .bench/milvus/bin/pip install milvus==2.3.5)';

/** A real Milvus of a test's own. */
export interface TestMilvus {
  readonly url: string;
  /** Kills it as a crash would. */
  kill(): Promise<void>;
  /** Starts it, again on the same data, and waits until it answers. */
  start(): Promise<void>;
  end(): Promise<void>;
}

export async function testMilvus(): Promise<TestMilvus> {
  const data = await mkdtemp(join(tmpdir(), 'portiere-milvus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running?.pid === undefined) return;
    const gone = new Promise((resolve) => running.once('close', resolve));
    // The server is a process of its own below what starts it.
    try {
      process.kill(-running.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    if (running.exitCode === null && running.signalCode === null) await gone;
  };
  const launch = (): void => {
    child = spawn(program, ['--data', data, '--proxy-port', String(port)], {
      stdio: 'ignore',
      detached: true,
    });
  };
  const start = async (): Promise<void> => {
    launch();
    let launched = performance.now();
    await until(
      'Milvus is well',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        // After a crash it may find its own lease still held, and give up: who runs it starts it again.
        if (child?.exitCode !== null || performance.now() - launched > patience) {
          await kill();
          launch();
          launched = performance.now();
        }
        const database = await vectorDatabases.connect({ url, timeout: 2_000 });
        return await database
          .listCollections('')
          .then(
            () => true,
            () => false,
          )
          .finally(async () => {
            await database.close();
          });
      },
      240_000,
    );
  };
  await start();
  return {
    url,
    kill,
    start,
    async end() {
      await kill();
      await rm(data, { recursive: true, force: true });
    },
  };
}
