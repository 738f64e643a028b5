import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createFlatWriter } from '../../../src/search/vectors/flat-writer.ts';

export function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'portiere-vectors-'));
}

/** Numbers in -1..1 that are the same every time. */
export function noise(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
}

export async function writeFlat(file: string, dimension: number, rows: Float32Array): Promise<string> {
  const writer = await createFlatWriter(file, { dimension });
  await writer.append(rows);
  await writer.finish();
  return file;
}
