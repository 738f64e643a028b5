import { open as openFile } from 'node:fs/promises';

import type { Dataset, File, Group, Metadata } from 'h5wasm/node';

import { PortiereError } from '../../errors.ts';

/** A data set of an HDF5 file. */
export interface DataSet {
  /** Its path in the file, without the first slash: `features`, `train/features`. */
  readonly name: string;
  /** `float64`, `int32`, `text` ...; what cannot be read has a name as well. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Rows that are stored together; 1 where rows lie one after another. */
  readonly storedRows: number;
  /** Reads rows from `start` to before `end`, all columns; throws where the file is damaged there. */
  read(start: number, end: number): unknown;
}

export interface Hdf5File {
  readonly dataSets: readonly DataSet[];
  close(): void;
}

/** First bytes of every HDF5 file, at 0 or behind a user block of 512 bytes, 1,024, 2,048 ... */
const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** A file of features has a handful of data sets; one of many thousands is something else. */
const mostDataSets = 1_000;
const deepest = 8;

/** Opens an HDF5 file for reading; FEATURES_INVALID where it is none or damaged, PACKAGE_MISSING without h5wasm. */
export async function openHdf5(file: string): Promise<Hdf5File> {
  await requireSignature(file);
  const { File: Opened, ready, Dataset: DataSetOf, Group: GroupOf } = await loadPackage();
  // Otherwise the HDF5 library prints what goes wrong on its own.
  (await ready).activate_throwing_error_handler();
  const opened = attempt(file, () => new Opened(file, 'r'));
  const found: DataSet[] = [];
  const walk = (group: Group, at: string, depth: number): void => {
    for (const key of group.keys()) {
      if (found.length >= mostDataSets || depth > deepest) return;
      const name = at === '' ? key : `${at}/${key}`;
      const entity = group.get(key);
      if (entity instanceof DataSetOf) found.push(described(file, name, entity));
      else if (entity instanceof GroupOf) walk(entity, name, depth + 1);
    }
  };
  try {
    attempt(file, () => {
      walk(opened, '', 1);
    });
  } catch (error) {
    close(opened);
    throw error;
  }
  return {
    dataSets: found,
    close() {
      close(opened);
    },
  };
}

function described(file: string, name: string, dataSet: Dataset): DataSet {
  const { metadata } = dataSet;
  return {
    name,
    type: typeOf(metadata),
    shape: metadata.shape ?? [],
    storedRows: metadata.chunks?.[0] ?? 1,
    read: (start, end) =>
      attempt(file, () =>
        dataSet.slice([[start, end], ...(metadata.shape ?? []).slice(1).map((): [] => [])]),
      ),
  };
}

const classes: Readonly<Record<number, string>> = {
  0: 'int',
  1: 'float',
  2: 'time',
  3: 'text',
  4: 'bits',
  5: 'opaque',
  6: 'compound',
  7: 'reference',
  8: 'enum',
  9: 'list',
  10: 'array',
};

function typeOf({ type, size, signed }: Metadata): string {
  const name = classes[type] ?? 'unknown';
  if (name === 'int') return `${signed ? '' : 'u'}int${size * 8}`;
  return name === 'float' ? `float${size * 8}` : name;
}

async function requireSignature(file: string): Promise<void> {
  try {
    const handle = await openFile(file);
    try {
      const { size } = await handle.stat();
      const start = Buffer.alloc(signature.length);
      for (let at = 0; at + signature.length <= size; at = at === 0 ? 512 : at * 2) {
        await handle.read(start, 0, start.length, at);
        if (start.equals(signature)) return;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new PortiereError('FEATURES_INVALID', `The file ${file} cannot be read.`, {
      hint: 'Give an HDF5 file that this user may read.',
      cause: error,
    });
  }
  throw new PortiereError('FEATURES_INVALID', `${file} is no HDF5 file.`, {
    hint: 'Give a file as h5py writes it; one that was compressed as a whole has to be unpacked first.',
  });
}

async function loadPackage(): Promise<typeof import('h5wasm/node')> {
  try {
    return await import('h5wasm/node');
  } catch (error) {
    throw new PortiereError(
      'PACKAGE_MISSING',
      'HDF5 files are read by the package h5wasm, which cannot be loaded.',
      {
        hint: 'npm install h5wasm',
        cause: error,
      },
    );
  }
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new PortiereError(
      'FEATURES_INVALID',
      `${file} is cut short or damaged, or packed in a way that is not read (gzip and shuffle are).`,
      {
        hint: 'Compare its size with the original and copy it again, or look at it with: h5dump -H FILE',
        cause: error,
      },
    );
  }
}

function close(opened: File): void {
  try {
    opened.close();
  } catch {
    // Nothing is written, so nothing can be lost.
  }
}
