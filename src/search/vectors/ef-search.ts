import { constants, copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { fromSystemError } from '../../errors.ts';
import { inspectFaiss } from './faiss-header.ts';
import { setEfSearch } from './patch.ts';

/**
 * Loads the index at `file` as if its file said `efSearch`. faiss-node has no setter for it and a published file stays
 * as it is, so a graph that says another number is loaded from a patched copy beside it, gone once it is in memory; an
 * index that is no graph is loaded as it is. Errors as `setEfSearch`, and of the disk that holds the copy.
 */
export async function withEfSearch<T>(
  file: string,
  efSearch: number | undefined,
  load: (file: string) => Promise<T>,
): Promise<T> {
  const { hnsw } = await inspectFaiss(file);
  if (efSearch === undefined || hnsw === undefined || hnsw.efSearch === efSearch) return await load(file);
  const copy = await copyOf(file);
  try {
    await setEfSearch(copy, efSearch);
    return await load(copy);
  } finally {
    await rm(copy, { force: true });
  }
}

/** Beside it, where a file system that can shares the bytes; among temporary files where nothing may be written there. */
async function copyOf(file: string): Promise<string> {
  const name = `${path.basename(file)}.${randomUUID()}`;
  const beside = path.join(path.dirname(file), name);
  try {
    return await copied(file, beside);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw fromSystemError(error, beside);
    }
  }
  const elsewhere = path.join(tmpdir(), name);
  try {
    return await copied(file, elsewhere);
  } catch (error) {
    throw fromSystemError(error, elsewhere);
  }
}

async function copied(file: string, copy: string): Promise<string> {
  try {
    await copyFile(file, copy, constants.COPYFILE_FICLONE);
    return copy;
  } catch (error) {
    await rm(copy, { force: true }).catch(() => {});
    throw error;
  }
}
