import type { SearchEngine } from '../../ports/search-engine.ts';
import { indexOf } from './elasticsearch-index.ts';
import { wordQuery } from './elasticsearch-query.ts';
import type { WordEngine } from './word-arm.ts';

/** Milliseconds that one search waits for its words. */
const patience = 1_000;
/** Milliseconds for which an engine that failed is not asked, so that not every search waits for it. */
const rest = 1_000;

/**
 * Words by Elasticsearch: each build asks the index that was made of it, whatever the alias says. The term of a hit
 * is the concept's name; which of its terms fits best is for the rating to say.
 */
export function elasticsearchWords(engine: SearchEngine, elapsed: () => number): WordEngine {
  let restUntil = Number.NEGATIVE_INFINITY;
  let reason: unknown;
  return ({ id, lexical }) => ({
    engine: 'elasticsearch',
    async byWords({ q, k, filters, allowed }) {
      if (elapsed() < restUntil) throw reason;
      const body = wordQuery({ q, k, filters });
      if (body === undefined) return [];
      const found = await engine.search(indexOf(id, engine.alias), body, patience).catch((error: unknown) => {
        restUntil = elapsed() + rest;
        reason = error;
        throw error;
      });
      return found.flatMap(({ id: concept, score }) => {
        const concept_id = Number(concept);
        const row = lexical.textsOf(concept_id)[0]?.row;
        return row === undefined || allowed?.[row] === 0 ? [] : [{ row, concept_id, score }];
      });
    },
    async ping() {
      await engine.search(indexOf(id, engine.alias), { size: 0, terminate_after: 1 }, patience);
    },
  });
}
