import type { SearchEngine } from '../../ports/search-engine.ts';
import { restAfterFailure, searchPatience } from '../system/patience.ts';
import { indexOf } from './elasticsearch-index.ts';
import { wordQuery } from './elasticsearch-query.ts';
import type { WordEngine } from './word-arm.ts';

/**
 * Words by Elasticsearch: each build asks the index that was made of it, whatever the alias says. The term of a hit
 * is the concept's name; which of its terms fits best is for the rating to say.
 */
export function elasticsearchWords(engine: SearchEngine, elapsed: () => number): WordEngine {
  const unlessResting = restAfterFailure(elapsed);
  return ({ id, lexical }) => ({
    engine: 'elasticsearch',
    async byWords({ q, k, filters, allowed }) {
      const body = wordQuery({ q, k, filters });
      if (body === undefined) return [];
      const found = await unlessResting(
        async () => await engine.search(indexOf(id, engine.alias), body, searchPatience),
      );
      const names = new Map<number, number>();
      for (const { concept_id, row } of lexical.termsOf(found.map(({ id: concept }) => Number(concept)))) {
        if (!names.has(concept_id)) names.set(concept_id, row);
      }
      return found.flatMap(({ id: concept, score }) => {
        const concept_id = Number(concept);
        const row = names.get(concept_id);
        return row === undefined || allowed?.[row] === 0 ? [] : [{ row, concept_id, score }];
      });
    },
    async ping() {
      await engine.search(indexOf(id, engine.alias), { size: 0, terminate_after: 1 }, searchPatience);
    },
  });
}
