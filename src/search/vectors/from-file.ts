import type { DenseIndex } from './dense.ts';
import { scanExactly } from './exact-scan.ts';
import { readFlatHeader } from './faiss-header.ts';
import { openRows, strideOf } from './flat-rows.ts';
import { checkScore, checkSearch } from './query.ts';

/** Rows scored before others get a turn: a fifth of a millisecond, or some milliseconds of a disk that must seek. */
const rowsATurn = 128;

/**
 * A FAISS flat file of which nothing is held in memory: rows are scored where they lie, and a search reads all of
 * it. For a build whose vectors somebody else searches. Errors as `readFlatHeader`.
 */
export async function openFromFile(path: string): Promise<DenseIndex> {
  const header = await readFlatHeader(path);
  const { dimension, count } = header;
  const rows = openRows(header);
  const row = new Float32Array(strideOf(dimension) / 4);
  const bytes = new Uint8Array(row.buffer);
  return {
    engine: 'native',
    dimension,
    count,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { dimension, count, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      const most = allowed === undefined ? wanted : count;
      const [hits] = scanExactly({ header, queries: query, k: most, from: 0, to: count });
      const places = (hits?.rows ?? []).flatMap((one, at) => (allowed?.[one] === 0 ? [] : [at]));
      const best = places.slice(0, wanted);
      return { rows: best.map((at) => hits!.rows[at]!), scores: best.map((at) => hits!.scores[at]!) };
    },
    async score(query, some) {
      checkScore(query, { dimension, count, rows: some });
      const scores = new Float32Array(some.length);
      for (const [at, one] of some.entries()) {
        if (at % rowsATurn === rowsATurn - 1) await new Promise(setImmediate);
        // Read and used before anybody else's turn: a sixth of what asking a thread of the system for it takes.
        rows.read(one, 1, bytes);
        scores[at] = innerProduct(query, row);
      }
      return scores;
    },
    async close() {
      rows.close();
    },
  };
}

function innerProduct(query: Float32Array, row: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < query.length; at += 1) sum += query[at]! * row[at]!;
  return sum;
}
