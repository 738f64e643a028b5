import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { fromSystemError, PortiereError } from '../../errors.ts';
import type { TableSource } from './table-source.ts';
import { checkEntries, tableEntries } from './zip-entries.ts';

const CHUNK = 256 * 1024;
const DEFLATED = 8;

/** Opens a zipped download, refusing whatever an honest one never contains; VOCABULARY_ARCHIVE_INVALID names it. */
export async function openZip(path: string): Promise<TableSource> {
  const zip = await open(path);
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(checkEntries(path, entries, entry));
    const tables = tableEntries(path, entries);
    return {
      tables: new Map([...tables].map(([table, entry]) => [table, { size: entry.uncompressedSize }])),
      stream: (table) =>
        Promise.resolve(Readable.from(checkedBytes(path, zip, tables.get(table)!), { objectMode: false })),
      close: () => Promise.resolve(zip.close()),
    };
  } catch (error) {
    zip.close();
    throw archiveError(path, error);
  }
}

async function open(path: string): Promise<ZipFile> {
  try {
    const zip = await openPromise(path, { autoClose: false, strictFileNames: true });
    // Each read reports its own failure; without a listener the same one would end the process.
    zip.on('error', () => {});
    return zip;
  } catch (error) {
    throw archiveError(path, error);
  }
}

/** The entry's bytes, failing on the first byte too many, on one too few, and on a wrong CRC32. */
async function* checkedBytes(path: string, zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let seen = 0;
  let sum = 0;
  try {
    const packed = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    const bytes = entry.compressionMethod === DEFLATED ? inflated(packed) : packed;
    for await (const chunk of bytes) {
      seen += (chunk as Buffer).length;
      if (seen > entry.uncompressedSize) break;
      sum = crc32(chunk as Buffer, sum);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw archiveError(path, error, entry.fileName);
  }
  if (seen !== entry.uncompressedSize) {
    const found = seen > entry.uncompressedSize ? 'more' : `${seen}`;
    throw archiveError(
      path,
      new Error(`${entry.uncompressedSize} bytes declared, ${found} found`),
      entry.fileName,
    );
  }
  if (sum !== entry.crc32)
    throw archiveError(path, new Error('its CRC32 does not match its bytes'), entry.fileName);
}

function inflated(packed: Readable): Readable {
  return pipeline(packed, createInflateRaw({ chunkSize: CHUNK }), () => {});
}

/** What yauzl and zlib find wrong with the bytes, in our words; what the system refused stays what it is. */
function archiveError(path: string, error: unknown, entry?: string): unknown {
  if (error instanceof PortiereError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && !code.startsWith('Z_')) return fromSystemError(error, `read ${path}`);
  const where = entry === undefined ? path : `${entry} in ${path}`;
  return new PortiereError('VOCABULARY_ARCHIVE_INVALID', `${where} is not a sound zip file: ${message}.`, {
    hint: 'Download the vocabulary again and compare its size; `unzip -t FILE` checks a zip. A CSV file goes in by its folder.',
    cause: error,
  });
}
