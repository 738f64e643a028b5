import { readlinkSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { alive, bootId, own } from './processes.ts';

/** Milliseconds after which a draft of another machine or boot is nobody's: writing one takes milliseconds. */
const FORGOTTEN = 600_000;

/** Where our process ids mean something: this boot, this namespace of processes. */
const place = `${bootId?.slice(0, 8) ?? os.hostname().replaceAll(/\W/g, '').slice(0, 16)}${namespaceOfPids()}`;
const ticks = own.started?.split('@')[0] ?? '0';

/**
 * A path beside `file` for what is to become it by a link or a rename. The name says who writes it, so that
 * `sweepDrafts` can tell what a killed process left.
 */
export function draftBeside(file: string): string {
  const nonce = crypto.randomUUID().slice(0, 8);
  return path.join(path.dirname(file), `.${path.basename(file)}.${place}-${own.pid}-${ticks}-${nonce}.tmp`);
}

/** Removes the drafts in a folder whose writers are dead. Never fails: what stays is taken the next time. */
export async function sweepDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const of = /^\..+\.(\w+)-(\d+)-(\d+)-[0-9a-f]{8}\.tmp$/.exec(name);
    if (of === null) continue;
    const draft = path.join(folder, name);
    const left = of[1] === place ? !writerLives(Number(of[2]), of[3]!) : await isForgotten(draft);
    if (left) await rm(draft, { force: true }).catch(() => undefined);
  }
}

function writerLives(pid: number, started: string): boolean {
  return alive({ pid, started: bootId === null ? null : `${started}@${bootId}` });
}

async function isForgotten(file: string): Promise<boolean> {
  return await lstat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > FORGOTTEN,
    () => false,
  );
}

/** Its inode; empty where the system has no such thing. */
function namespaceOfPids(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return '';
  }
}
