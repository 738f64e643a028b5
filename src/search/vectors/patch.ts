import { open } from 'node:fs/promises';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { inspectFaiss } from './faiss-header.ts';
import { NPROBE_AT } from './faiss-inner.ts';
import { checkProbes } from './ivf.ts';

/**
 * Sets how many lists of the inverted file at `path` a search looks into, in place, here and in FAISS.
 * CONFIG_INVALID for a number it cannot be, or another kind of index; whoever has it open keeps what was there.
 */
export async function setProbes(path: string, nprobe: number): Promise<void> {
  const { fourcc, ivf } = await inspectFaiss(path);
  if (!ivf) throw none(path, `is "${fourcc}", which has no lists: nprobe`);
  checkProbes(nprobe, ivf.nlist);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(nprobe));
  await overwrite(path, bytes, NPROBE_AT);
}

/** Sets how many neighbours a search of the graph at `path` keeps in view, in place. Errors as setProbes. */
export async function setEfSearch(path: string, efSearch: number): Promise<void> {
  const { fourcc, hnsw } = await inspectFaiss(path);
  if (!hnsw) throw none(path, `is "${fourcc}", which is no graph: efSearch`);
  if (!Number.isInteger(efSearch) || efSearch < 1 || efSearch > 65_536) {
    throw new PortiereError('CONFIG_INVALID', `efSearch cannot be ${efSearch}.`, {
      hint: 'Choose a whole number from 1 to 65536.',
    });
  }
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(efSearch);
  await overwrite(path, bytes, hnsw.efSearchAt);
}

async function overwrite(path: string, bytes: Buffer, position: number): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      await file.write(bytes, 0, bytes.length, position);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

function none(path: string, fault: string): PortiereError {
  return new PortiereError('CONFIG_INVALID', `${path} ${fault} cannot be set.`, {
    hint: 'See what it is: portiere index inspect',
  });
}
