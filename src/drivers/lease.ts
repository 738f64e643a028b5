import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { PortiereError, fromSystemError } from '../errors.ts';
import type { Holder, Lease, Leases, ProcessIdentity } from '../ports.ts';
import { draftBeside, sweepDrafts } from './drafts.ts';
import { alive, bootId, own } from './processes.ts';

interface LeaseFile extends Holder {
  readonly token: string;
  readonly boot: string | null;
  readonly started: string | null;
  /** Milliseconds since the epoch up to which a holder on another host or boot is believed. */
  readonly expires: number;
}

const refreshEvery = 5_000;
const lifetime = 30_000;

/**
 * Leases as files: created by link (which fails where one exists), refreshed every 5 s, 30 s long. A lease is
 * stale when its process is gone on the same boot, or, from elsewhere, when it expired.
 */
export const leases: Leases = {
  take: async (file, command) => await take(file, command, 0),
  async holder(file) {
    const found = await load(file);
    return found !== undefined && isLive(found) ? found : undefined;
  },
};

async function take(file: string, command: string, depth: number): Promise<Lease> {
  const mine = describe(command);
  const draft = draftBeside(file);
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await linkOnce(draft, file)) {
        if (depth === 0) await sweep(file);
        return keep(file, mine);
      }
      const found = await load(file);
      if (found === undefined) continue;
      if (isLive(found)) throw locked(file, found);
      await removeStale(file, found.token, depth);
    }
  } catch (error) {
    throw fromSystemError(error, file);
  } finally {
    await rm(draft, { force: true });
  }
  throw new PortiereError('LOCKED', `The lease ${file} changes hands too quickly to be taken.`, {
    hint: 'Run the same command again.',
  });
}

/** Only one process may remove a given stale lease; it works under a lease of its own, named after the stale one. */
async function removeStale(file: string, token: string, depth: number): Promise<void> {
  const marker = `${file}.stale-${token}`;
  if (depth > 3) return;
  const turn = await take(marker, 'remove a stale lease', depth + 1).catch(() => undefined);
  if (turn === undefined) return;
  try {
    const found = await load(file);
    if (found?.token === token) await rename(file, `${marker}.old`);
    await rm(`${marker}.old`, { force: true });
  } finally {
    await turn.release();
  }
}

/** Removes what those left who were killed while they took `file`. Call it with the lease held: nothing is stale then. */
async function sweep(file: string): Promise<void> {
  await sweepDrafts(path.dirname(file));
  const marker = `${path.basename(file)}.stale-`;
  for (const name of await readdir(path.dirname(file)).catch(() => [])) {
    if (!name.startsWith(marker)) continue;
    const left = path.join(path.dirname(file), name);
    const found = await load(left).catch(() => undefined);
    if (found !== undefined && !isLive(found)) await rm(left, { force: true }).catch(() => undefined);
  }
}

async function linkOnce(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function keep(file: string, mine: LeaseFile): Lease {
  const lost = new AbortController();
  let refreshing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    refreshing = refresh(file, mine).then(
      (held) => {
        if (!held) lost.abort(new PortiereError('LOCKED', `The lease ${file} was taken by someone else.`));
      },
      () => undefined,
    );
  }, refreshEvery);
  timer.unref();
  return {
    token: mine.token,
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      // A refresh under way would put the lease back after it was removed.
      await refreshing;
      const found = await load(file);
      if (found?.token === mine.token) await rm(file, { force: true });
    },
  };
}

async function refresh(file: string, mine: LeaseFile): Promise<boolean> {
  const found = await load(file);
  if (found?.token !== mine.token) return false;
  const draft = draftBeside(file);
  try {
    await writeFile(draft, JSON.stringify({ ...mine, expires: Date.now() + lifetime }), { mode: 0o600 });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  return true;
}

function describe(command: string): LeaseFile {
  return {
    token: crypto.randomUUID(),
    command,
    pid: own.pid,
    host: os.hostname(),
    boot: bootId,
    started: own.started,
    since: new Date().toISOString(),
    expires: Date.now() + lifetime,
  };
}

async function load(file: string): Promise<LeaseFile | undefined> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as Partial<LeaseFile> | null;
    const whole = /^[\w-]+$/.test(found?.token ?? '') && Number.isSafeInteger(found?.pid);
    return whole ? (found as LeaseFile) : damaged;
  } catch (error) {
    // Leases appear whole, by link or rename: a damaged one is what a power cut left of a dead holder's.
    if (error instanceof SyntaxError) return damaged;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const damaged: LeaseFile = {
  token: 'damaged',
  command: 'unknown',
  pid: 0,
  host: '',
  boot: null,
  started: null,
  since: '',
  expires: 0,
};

function isLive(found: LeaseFile): boolean {
  const here = found.host === os.hostname();
  if (here && found.boot !== null && found.boot === bootId) {
    const holder: ProcessIdentity = { pid: found.pid, started: found.started };
    return alive(holder);
  }
  if (here && found.boot !== null && bootId !== null) return false;
  return found.expires > Date.now();
}

function locked(file: string, found: LeaseFile): PortiereError {
  const age = Math.max(0, Math.round((Date.now() - Date.parse(found.since)) / 1000));
  return new PortiereError(
    'LOCKED',
    `\`${found.command}\` (pid ${found.pid} on ${found.host}) has held ${path.basename(file)} for ${age} s.`,
    { hint: 'Wait for it to finish, or stop that process; then run the same command again.' },
  );
}
