import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fromSystemError, PortiereError } from '../../errors.ts';
import type { TableSource } from './table-source.ts';
import { tableOfFile, type TableName } from './tables.ts';

const CHUNK = 256 * 1024;

interface TableFile {
  readonly path: string;
  readonly size: number;
}

/** Lists an unpacked download: its table files at the top, or in the one folder at its top. */
export async function openFolder(path: string): Promise<TableSource> {
  try {
    const tables = await tableFiles(path);
    return {
      tables,
      stream: (table) =>
        Promise.resolve(Readable.from(checkedBytes(tables.get(table)!), { objectMode: false })),
      close: () => Promise.resolve(),
    };
  } catch (error) {
    throw fromSystemError(error, `read ${path}`);
  }
}

async function tableFiles(path: string): Promise<ReadonlyMap<TableName, TableFile>> {
  const entries = await readdir(path, { withFileTypes: true });
  const tables = new Map<TableName, TableFile>();
  for (const { name } of entries) {
    const table = tableOfFile(name);
    if (table === undefined) continue;
    const file = join(path, name);
    const size = await sizeOfFile(file);
    if (tables.has(table)) {
      throw new PortiereError(
        'VOCABULARY_ARCHIVE_INVALID',
        `${path} holds ${table}.csv twice, in different case.`,
        {
          hint: `Keep one of ${tables.get(table)!.path} and ${file}.`,
        },
      );
    }
    tables.set(table, { path: file, size });
  }
  const folders = entries.filter((entry) => entry.isDirectory());
  return tables.size === 0 && folders.length === 1 ? tableFiles(join(path, folders[0]!.name)) : tables;
}

async function sizeOfFile(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    // A link to nothing; whatever else fails is the system's to say.
    if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined;
    throw error;
  });
  if (found?.isFile() === true) return found.size;
  throw new PortiereError('VOCABULARY_ARCHIVE_INVALID', `${file} is not a regular file.`, {
    hint: 'Unpack the download again into an empty folder.',
  });
}

/** The file's bytes, failing when it is no longer as long as when the folder was listed. */
async function* checkedBytes({ path, size }: TableFile): AsyncGenerator<Buffer> {
  let seen = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
      seen += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw changed(path, `${size} bytes before, gone now`, error);
    throw fromSystemError(error, `read ${path}`);
  }
  if (seen !== size) throw changed(path, `${size} bytes before, ${seen} now`);
}

function changed(path: string, how: string, cause?: unknown): PortiereError {
  return new PortiereError('SOURCE_CHANGED', `${path} changed while it was read: ${how}.`, {
    hint: 'Wait until the download or copy is complete, then run the same command again.',
    cause,
  });
}
