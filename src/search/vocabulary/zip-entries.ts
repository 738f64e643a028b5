import type { Entry } from 'yauzl';
import { PortiereError } from '../../errors.ts';
import { tableOfFile, type TableName } from './tables.ts';

const MAX_ENTRIES = 1_000;
/** Tables compress about 10 to 1; deflate cannot pass 1,032 to 1. */
const MAX_RATIO = 200;
const SMALL = 64 * 1024 * 1024;
const LOCAL_HEADER = 30;
const methods = new Map([
  [0, 'stored'],
  [8, 'deflated'],
]);

/** Gives back an entry that may stand in a download beside those before it; VOCABULARY_ARCHIVE_INVALID otherwise. */
export function checkEntries(path: string, before: readonly Entry[], entry: Entry): Entry {
  const mode = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (before.length >= MAX_ENTRIES) throw refused(path, entry, `one of more than ${MAX_ENTRIES} entries`);
  if (mode === 0o120000) throw refused(path, entry, 'a symbolic link');
  if (mode !== 0 && mode !== 0o100000 && mode !== 0o040000) throw refused(path, entry, 'a special file');
  if (entry.isEncrypted()) throw refused(path, entry, 'encrypted');
  if (before.some(({ fileName }) => fileName === entry.fileName)) throw refused(path, entry, 'there twice');
  if (entry.uncompressedSize > Math.max(SMALL, entry.compressedSize * MAX_RATIO)) {
    throw refused(
      path,
      entry,
      `declared to unpack to ${entry.uncompressedSize} bytes from ${entry.compressedSize}`,
    );
  }
  const end = entry.relativeOffsetOfLocalHeader + LOCAL_HEADER + entry.compressedSize;
  for (const other of before) {
    const otherEnd = other.relativeOffsetOfLocalHeader + LOCAL_HEADER + other.compressedSize;
    if (entry.relativeOffsetOfLocalHeader < otherEnd && other.relativeOffsetOfLocalHeader < end) {
      throw refused(path, entry, `made of the same bytes as ${other.fileName}`);
    }
  }
  return entry;
}

/** The entry of each table: all at the top of the zip, or all in one folder there. */
export function tableEntries(path: string, entries: readonly Entry[]): ReadonlyMap<TableName, Entry> {
  const tables = new Map<TableName, Entry>();
  let folder: string | undefined;
  for (const entry of entries) {
    const parts = entry.fileName.split('/');
    const table = tableOfFile(parts.at(-1)!);
    if (table === undefined || parts.length > 2 || parts[0] === '__MACOSX') continue;
    const parent = parts.length === 2 ? `${parts[0]}/` : '';
    folder ??= parent;
    if (folder !== parent)
      throw refused(path, entry, `in another folder than the tables before it ("${folder}")`);
    if (tables.has(table)) throw refused(path, entry, 'there twice, in different case');
    if (!methods.has(entry.compressionMethod)) {
      throw refused(
        path,
        entry,
        `compressed by method ${entry.compressionMethod}, and only deflate is supported`,
      );
    }
    tables.set(table, entry);
  }
  return tables;
}

function refused(path: string, entry: Entry, what: string): PortiereError {
  return new PortiereError(
    'VOCABULARY_ARCHIVE_INVALID',
    `${path} is refused: ${entry.fileName} is ${what}.`,
    {
      hint: 'An Athena download holds plain, unencrypted table files only. Download it again, or zip its folder again.',
    },
  );
}
