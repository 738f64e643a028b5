import { existsSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { queriesOf, writeSynthetic } from './vectors.ts';

/** Rows and queries of the seeded generator, as files that ours and a peer read. */
export interface DenseData {
  readonly vectors: string;
  readonly queryFile: string;
  readonly queries: Float32Array;
  readonly dimension: number;
  /** The place for another file about them. */
  file(name: string): string;
}

export interface DenseSize {
  readonly count: number;
  readonly dimension: number;
  readonly queries: number;
  /** Rows without structure: the hard case. */
  readonly uniform: boolean;
}

/** Writes what is not there yet below .bench/data. */
export async function denseData({
  count,
  dimension,
  queries: asked,
  uniform,
}: DenseSize): Promise<DenseData> {
  const folder = fileURLToPath(new URL('../../.bench/data', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = (name: string) =>
    join(folder, `${name}${uniform ? '-uniform' : ''}-${count}-${dimension}.faiss`);
  const given = { count, dimension, topics: uniform ? 0 : Math.round(count / 50), spread: 0.6 };
  const vectors = file('vectors');
  if (!existsSync(vectors)) await writeSynthetic(vectors, { ...given, seed: 1 });
  const queries = queriesOf({ ...given, seed: 2, count: asked });
  const queryFile = file('queries');
  await writeFile(queryFile, new Uint8Array(queries.buffer));
  return { vectors, queryFile, queries, dimension, file };
}
