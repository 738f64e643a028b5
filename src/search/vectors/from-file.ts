import { open } from 'node:fs/promises';

import { fromSystemError, PortiereError } from '../../errors.ts';
import type { DenseIndex } from './dense.ts';
import { scanExactly } from './exact-scan.ts';
import { FLAT_HEADER_BYTES, readFlatHeader } from './faiss-header.ts';
import { checkScore, checkSearch } from './query.ts';

/**
 * A FAISS flat file of which nothing is held in memory: rows are scored where they lie, and a search reads all of
 * it. For a build whose vectors somebody else searches. Errors as `readFlatHeader`.
 */
export async function openFromFile(path: string): Promise<DenseIndex> {
  const header = await readFlatHeader(path);
  const { dimension, count } = header;
  const file = await open(path).catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  const rowBytes = dimension * 4;
  return {
    engine: 'native',
    dimension,
    count,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { dimension, count, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      const [hits] = scanExactly({
        header,
        queries: query,
        k: allowed === undefined ? wanted : count,
        from: 0,
        to: count,
      });
      const places = (hits?.rows ?? []).flatMap((row, at) => (allowed?.[row] === 0 ? [] : [at]));
      const best = places.slice(0, wanted);
      return { rows: best.map((at) => hits!.rows[at]!), scores: best.map((at) => hits!.scores[at]!) };
    },
    async score(query, rows) {
      checkScore(query, { dimension, count, rows });
      const vectors = new Float32Array(rows.length * dimension);
      const bytes = new Uint8Array(vectors.buffer);
      await Promise.all(
        rows.map(async (row, at) => {
          const position = FLAT_HEADER_BYTES + row * rowBytes;
          const { bytesRead } = await file.read(bytes, at * rowBytes, rowBytes, position);
          if (bytesRead < rowBytes)
            throw new PortiereError('INDEX_INVALID', `${path} became shorter while it was read.`);
        }),
      );
      return Float32Array.from(rows, (_, at) => innerProduct(query, vectors, at * dimension));
    },
    async close() {
      await file.close();
    },
  };
}

function innerProduct(query: Float32Array, vectors: Float32Array, start: number): number {
  let sum = 0;
  for (let at = 0; at < query.length; at += 1) sum += query[at]! * vectors[start + at]!;
  return sum;
}
