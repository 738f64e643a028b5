import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { alive, bootId, own, processesFor } from '../../src/drivers/processes.ts';
import type { ProcessIdentity } from '../../src/ports.ts';

const processes = processesFor('bin/portiere.js');

describe('alive', () => {
  it('knows a process by pid and start', () => {
    expect(alive(own)).toBe(true);
    // Where start times can be read, one without is no identity.
    expect(alive({ pid: own.pid, started: null })).toBe(bootId === null);
    expect(alive({ pid: own.pid, started: '1@other boot' })).toBe(false);
    expect(alive({ pid: 2 ** 22 + 1, started: null })).toBe(false);
  });

  it.each([0, -1, -own.pid, 1.5, Number.NaN, undefined])('takes no %s for a process', (pid) => {
    expect(alive({ pid, started: null } as ProcessIdentity)).toBe(false);
  });
});

describe('spawnSelf and stop', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-processes-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** A program that says what it was given, then waits; started as if it were this binary. */
  async function started(script: string) {
    const log = path.join(folder, 'logs', 'log');
    const program = `${script}; console.log(process.cwd(), process.env.GIVEN); setInterval(() => {}, 1000)`;
    const identity = await processesFor('-e').spawnSelf([program], {
      cwd: folder,
      log,
      env: { GIVEN: 'this' },
    });
    await expect.poll(() => readFile(log, 'utf8'), { interval: 5, timeout: 5000 }).toBe(`${folder} this\n`);
    expect((await stat(log)).mode & 0o777).toBe(0o600);
    expect(alive(identity)).toBe(true);
    return identity;
  }

  it('starts detached with its output in the log, and asks it to end', async () => {
    const identity = await started('');
    await processes.stop(identity, 5_000);
    expect(alive(identity)).toBe(false);
    await processes.stop(identity, 5_000);
  });

  it('kills what does not listen', async () => {
    const identity = await started('process.on("SIGTERM", () => {})');
    const before = performance.now();
    await processes.stop(identity, 50);
    expect(alive(identity)).toBe(false);
    expect(performance.now() - before).toBeGreaterThan(50);
  });

  it('leaves a stranger with the same pid alone', async () => {
    await processes.stop({ pid: own.pid, started: '1@other boot' }, 50);
    expect(alive(own)).toBe(true);
  });
});

describe('portOwner', () => {
  it('tells a free port from a taken one and names who has it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { free, owner } = await processes.portOwner('127.0.0.1', port);
    expect(free).toBe(false);
    if (process.platform === 'linux') expect(owner).toContain(`(pid ${process.pid})`);
    server.close();
    await once(server, 'close');
    expect(await processes.portOwner('127.0.0.1', port)).toEqual({ free: true, owner: null });
  });

  it('says that a host is not of this machine', async () => {
    await expect(processes.portOwner('192.0.2.1', 8000)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('192.0.2.1'),
    });
  });
});
