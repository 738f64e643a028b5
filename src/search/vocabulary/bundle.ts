import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { openFolder } from './folder.ts';
import type { TableSource } from './table-source.ts';
import { tableNames, type TableName } from './tables.ts';
import { openZip } from './zip.ts';

/** An opened vocabulary download. Sizes are bytes, unpacked. Close it when done. */
export interface Bundle extends TableSource {
  readonly path: string;
  readonly kind: 'zip' | 'folder';
  /** sha256 (hex) over names, sizes and bytes of the tables: a zip and its unpacked folder give the same. */
  digest(): Promise<string>;
  /** The digest and, from the same pass, how many rows each table has at most (its lines but the header). */
  survey(): Promise<Survey>;
}

export interface Survey {
  readonly digest: string;
  readonly rows: ReadonlyMap<TableName, number>;
}

/**
 * Opens a vocabulary download, zip or folder, and checks its listing (contents are checked as they are read).
 * VOCABULARY_NOT_FOUND, VOCABULARY_ARCHIVE_INVALID, VOCABULARY_FILE_MISSING (no CONCEPT.csv), PERMISSION_DENIED.
 */
export async function openBundle(path: string): Promise<Bundle> {
  const kind = await kindOf(path);
  const source = await (kind === 'zip' ? openZip(path) : openFolder(path));
  if (!source.tables.has('CONCEPT')) {
    await source.close();
    throw missingTable(path, 'CONCEPT');
  }
  return {
    ...source,
    path,
    kind,
    stream: async (table) => {
      if (!source.tables.has(table)) throw missingTable(path, table);
      return source.stream(table);
    },
    digest: async () => (await surveyOf(source)).digest,
    survey: () => surveyOf(source),
  };
}

async function kindOf(path: string): Promise<Bundle['kind']> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'folder';
    if (found.isFile()) return 'zip';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw fromSystemError(error, `read ${path}`);
    throw new PortiereError('VOCABULARY_NOT_FOUND', `There is no vocabulary at ${path}.`, {
      hint: 'Give the path of the zip from athena.ohdsi.org, or of the folder it was unpacked into: --vocabulary PATH',
      cause: error,
    });
  }
  throw new PortiereError('VOCABULARY_ARCHIVE_INVALID', `${path} is neither a zip file nor a folder.`, {
    hint: 'Give the path of the zip from athena.ohdsi.org, or of the folder it was unpacked into: --vocabulary PATH',
  });
}

function missingTable(path: string, table: TableName): PortiereError {
  return new PortiereError('VOCABULARY_FILE_MISSING', `${path} has no ${table}.csv.`, {
    hint: 'The table files must lie at its top or in one folder there; download the vocabulary again if one is gone.',
  });
}

async function surveyOf(source: TableSource): Promise<Survey> {
  const hash = createHash('sha256');
  const rows = new Map<TableName, number>();
  for (const table of tableNames) {
    const size = source.tables.get(table)?.size;
    if (size === undefined) continue;
    hash.update(`${table}.csv\0${size}\0`);
    let lines = 0;
    for await (const chunk of await source.stream(table)) {
      hash.update(chunk as Buffer);
      lines += countLines(chunk as Buffer);
    }
    rows.set(table, Math.max(0, lines - 1));
  }
  return { digest: hash.digest('hex'), rows };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
