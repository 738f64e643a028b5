import { statfs } from 'node:fs/promises';

import { PortiereError } from '../errors.ts';
import type { VocabularySource } from '../search/vocabulary/source.ts';
import type { Project } from './context.ts';
import { thousands } from './thousands.ts';

const megabyte = 2 ** 20;
/** Measured: 136 bytes a row in tables and indexes, and about as much again in the write-ahead log. */
const bytesPerRow = 300;
/** Two segments of the write-ahead log, which even the smallest load may start. */
const least = 32 * megabyte;

/** Refuses (DISK_FULL) a load that would not fit: on a full disk an embedded Postgres stops answering for good. */
export async function requireRoom(project: Project, source: VocabularySource): Promise<void> {
  if (project.database.kind !== 'embedded' || source.expected === null) return;
  const rows = Object.values(source.expected).reduce((sum: number, count: number) => sum + count, 0);
  const needed = rows * bytesPerRow + least;
  const { bavail, bsize } = await statfs(project.state);
  const free = bavail * bsize;
  if (free >= needed) return;
  const told = (bytes: number): string => `${thousands(Math.round(bytes / megabyte))} MB`;
  throw new PortiereError(
    'DISK_FULL',
    `Loading ${source.label} needs about ${told(needed)} in ${project.state}, where ${told(free)} are free.`,
    { hint: 'Free some space on that disk and run the same command again: nothing was touched.' },
  );
}
