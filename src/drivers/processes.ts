import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

import { fromSystemError, PortiereError } from '../errors.ts';
import type { PortState, ProcessIdentity, Processes } from '../ports.ts';

/** The kernel's boot id, or null where there is none to read. */
export const bootId: string | null = readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? null;

export const own: ProcessIdentity = { pid: process.pid, started: startTime(process.pid) };

/** Processes of this machine; a pid counts only together with its start time. */
export function processesFor(entry: string): Processes {
  return {
    own,
    residentMemory: () => process.memoryUsage.rss(),
    alive,
    async spawnSelf(args, options) {
      const { startDetached } = await import('./shell.ts');
      const log = openLog(options.log);
      try {
        const pid = startDetached(process.execPath, [entry, ...args], {
          cwd: options.cwd,
          env: options.env,
          output: log,
        });
        return { pid, started: startTime(pid) };
      } finally {
        closeSync(log);
      }
    },
    async stop(identity, grace) {
      if (!alive(identity)) return;
      signal(identity, 'SIGTERM');
      if (await goneWithin(identity, grace)) return;
      signal(identity, 'SIGKILL');
      if (await goneWithin(identity, 5_000)) return;
      throw new PortiereError('TIMED_OUT', `Process ${identity.pid} does not end, not even killed.`);
    },
    portOwner,
  };
}

function openLog(file: string): number {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw fromSystemError(error, file);
  }
}

/** True while that very process runs (a zombie does not). */
export function alive(identity: ProcessIdentity): boolean {
  // 0 and negative numbers would mean groups of processes.
  if (!Number.isSafeInteger(identity.pid) || identity.pid < 1) return false;
  let notOurs = false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    notOurs = true;
  }
  const stat = readOrNull(`/proc/${identity.pid}/stat`);
  // Another user's, where such are hidden: it is there, and its start is not to be had.
  if (stat === null && notOurs) return true;
  if (stat !== null && fieldsAfterName(stat)[0] === 'Z') return false;
  return identity.started === null ? bootId === null : startTime(identity.pid) === identity.started;
}

function signal(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function goneWithin(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (alive(identity)) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
  return true;
}

function startTime(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  const ticks = stat === null ? undefined : fieldsAfterName(stat)[19];
  return ticks === undefined ? null : `${ticks}@${bootId ?? ''}`;
}

/** The name in parentheses may hold anything, so fields count from the last closing one. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function portOwner(host: string, port: number): Promise<PortState> {
  const free = await new Promise<boolean>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(unusable(error, host, port));
    });
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
  return { free, owner: free ? null : listenerOf(port) };
}

function unusable(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return new PortiereError('CONFIG_INVALID', `${host} is not an address of this machine.`, {
      hint: 'Set API_HOST to one that is, such as 127.0.0.1.',
      cause: error,
    });
  }
  return fromSystemError(error, `listening on ${host}:${port}`) as Error;
}

/** Linux: the socket's inode from /proc/net/tcp*, then the process whose descriptors hold it. */
function listenerOf(port: number): string | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (readOrNull(table) ?? '').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(wanted) && fields[3] === '0A' && fields[9] !== undefined) inodes.add(fields[9]);
    }
  }
  for (const pid of inodes.size === 0 ? [] : readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holds(pid, inodes)) return `${(readOrNull(`/proc/${pid}/comm`) ?? 'a process').trim()} (pid ${pid})`;
  }
  return null;
}

function holds(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    return false;
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
