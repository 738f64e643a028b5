import { restAfterFailure, searchPatience } from '../system/patience.ts';
import { openFromFile } from '../vectors/from-file.ts';
import { checkSearch } from '../vectors/query.ts';
import { bestFirst, firstHits } from '../vectors/top-k.ts';
import type { VectorEngine } from './vector-arm.ts';
import type { VectorStore } from './vector-store.ts';

/** Rows that a store is asked for, for each that is wanted: it compares codes of a byte a dimension. */
const spare = { least: 64, each: 1.5 } as const;

/**
 * Vectors by a store: it names rows, and their scores come from the build's own file, so that they are those of any
 * other engine. Nothing of the vectors is held in memory.
 */
export function storedVectors(store: VectorStore, elapsed: () => number): VectorEngine {
  const unlessResting = restAfterFailure(elapsed);
  return async ({ id, file }) => {
    const rows = await openFromFile(file);
    const { dimension, count } = rows;
    return {
      engine: store.engine,
      dimension,
      count,
      async search(query, k, narrowed) {
        const { allowed, filters = {} } = narrowed ?? {};
        const wanted = checkSearch(query, { dimension, count, k, allowed });
        if (wanted === 0) return { rows: [], scores: [] };
        const asked = Math.max(spare.least, Math.ceil(wanted * spare.each));
        const found = await unlessResting(
          async () => await store.nearest(id, { vector: query, k: asked, filters, timeout: searchPatience }),
        );
        // What another program wrote there has no place here.
        const known = found.filter((row) => row >= 0 && row < count && allowed?.[row] !== 0);
        const scores = await rows.score(query, known);
        return firstHits(bestFirst({ rows: known, scores: [...scores] }), wanted);
      },
      score: async (query, some) => await rows.score(query, some),
      async close() {
        await rows.close();
      },
    };
  };
}
