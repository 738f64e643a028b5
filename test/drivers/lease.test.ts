import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { draftBeside } from '../../src/drivers/drafts.ts';
import { leases } from '../../src/drivers/lease.ts';
import { bootId, own } from '../../src/drivers/processes.ts';
import type { Lease } from '../../src/ports.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-lease-'));
  file = path.join(folder, 'state', 'operation.lease');
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const written = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

/** Leaves a lease of another holder, as its file would be. */
async function leave(fields: Record<string, unknown>): Promise<void> {
  await (await leases.take(file, 'index build')).release();
  const holder = {
    token: 'theirs',
    command: 'index build',
    pid: own.pid,
    host: os.hostname(),
    boot: bootId,
    started: own.started,
    since: new Date(Date.now() - 90_000).toISOString(),
    expires: Date.now() + 30_000,
    ...fields,
  };
  await writeFile(file, JSON.stringify(holder));
}

const outcomes = async (count: number): Promise<{ won: Lease[]; codes: unknown[] }> => {
  const all = await Promise.allSettled(Array.from({ length: count }, () => leases.take(file, 'up')));
  return {
    won: all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    codes: all.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code?: unknown }).code] : [])),
  };
};

describe('take', () => {
  it('writes who holds it, and takes it away at release', async () => {
    const lease = await leases.take(file, 'up');
    expect(await written()).toMatchObject({ command: 'up', pid: process.pid, token: lease.token });
    expect(await leases.holder(file)).toMatchObject({ command: 'up', host: os.hostname() });
    await lease.release();
    expect(await readdir(path.dirname(file))).toEqual([]);
    expect(await leases.holder(file)).toBeUndefined();
    await (await leases.take(file, 'up')).release();
  });

  it('names holder, pid and age where another one holds it', async () => {
    await leave({});
    await expect(leases.take(file, 'up')).rejects.toMatchObject({
      code: 'LOCKED',
      message: `\`index build\` (pid ${process.pid} on ${os.hostname()}) has held operation.lease for 90 s.`,
      hint: expect.stringContaining('Wait for it'),
    });
    expect(await readdir(path.dirname(file))).toEqual(['operation.lease']);
  });

  it.each([
    ['a dead process', { pid: 2 ** 22 + 1, started: '1@x' }],
    ['a process whose pid is used again', { started: `1@${bootId}` }],
    ['a process from before the last boot', { boot: '00000000-0000-0000-0000-000000000000' }],
    ['another host, when it expired', { host: 'elsewhere', expires: Date.now() - 1 }],
  ])('takes over from %s', async (_case, fields) => {
    await leave(fields);
    expect(await leases.holder(file)).toBeUndefined();
    const lease = await leases.take(file, 'up');
    expect(await written()).toMatchObject({ command: 'up' });
    await lease.release();
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('believes another host until its lease expires', async () => {
    await leave({ host: 'elsewhere', pid: 2 ** 22 + 1 });
    await expect(leases.take(file, 'up')).rejects.toThrow('on elsewhere');
  });

  it.each(['', '{"token":', 'null', '{}', '[1]', '{"token":"../x","pid":1}'])(
    'takes over from a file that holds %j',
    async (text) => {
      await leave({});
      await writeFile(file, text);
      expect(await leases.holder(file)).toBeUndefined();
      await (await leases.take(file, 'up')).release();
      expect(await readdir(path.dirname(file))).toEqual([]);
    },
  );

  it('takes away what those left who were killed while they took it', async () => {
    await leave({ pid: 2 ** 22 + 1, started: '1@x' });
    const drafts = [file, `${file}.stale-gone`].map((one) =>
      draftBeside(one).replace(/-\d+-\d+-(?=\w+\.tmp$)/, `-${2 ** 22 + 1}-1-`),
    );
    for (const left of [...drafts, `${file}.stale-gone`, `${file}.stale-gone.old`])
      await copyFile(file, left);
    const lives = `${file}.stale-lives`;
    await writeFile(lives, JSON.stringify({ ...(await written()), pid: own.pid, started: own.started }));
    const lease = await leases.take(file, 'up');
    await lease.release();
    expect(await readdir(path.dirname(file))).toEqual([path.basename(lives)]);
  });

  it('lets exactly one of twenty win, and again once it is free', async () => {
    for (let round = 0; round < 3; round++) {
      const { won, codes } = await outcomes(20);
      expect(won).toHaveLength(1);
      expect(codes).toEqual(Array.from({ length: 19 }, () => 'LOCKED'));
      await won[0]?.release();
    }
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('lets exactly one of twenty win a stale lease', async () => {
    for (let round = 0; round < 5; round++) {
      await leave({ token: `dead-${round}`, pid: 2 ** 22 + 1, started: '1@x' });
      const { won, codes } = await outcomes(20);
      expect(won).toHaveLength(1);
      expect(codes).toHaveLength(19);
      expect(await written()).toMatchObject({ token: won[0]?.token });
      await won[0]?.release();
    }
    expect(await readdir(path.dirname(file))).toEqual([]);
  });
});

describe('a lease that is held', () => {
  it('is refreshed, and not put back by a refresh when it is released', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lease = await leases.take(file, 'up');
    const before = (await written())['expires'];
    vi.advanceTimersByTime(5_000);
    await expect.poll(async () => (await written())['expires'], { interval: 2 }).not.toBe(before);
    vi.advanceTimersByTime(5_000);
    await lease.release();
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
    expect(await readdir(path.dirname(file))).toEqual([]);
    expect(lease.lost.aborted).toBe(false);
  });

  it('tells when it was lost, and its release leaves the new holder alone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lease = await leases.take(file, 'up');
    const theirs = JSON.stringify({ ...(await written()), token: 'theirs' });
    await writeFile(file, theirs);
    expect(lease.lost.aborted).toBe(false);
    vi.advanceTimersByTime(5_000);
    await expect.poll(() => lease.lost.aborted, { interval: 2 }).toBe(true);
    expect(lease.lost.reason).toMatchObject({ code: 'LOCKED' });
    await lease.release();
    expect(await readFile(file, 'utf8')).toBe(theirs);
  });
});
