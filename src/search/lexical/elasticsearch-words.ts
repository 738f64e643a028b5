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
      return found.flatMap(({ id: concept, score }) => {
        const concept_id = Number(concept);
        const row = lexical.textsOf(concept_id)[0]?.row;
        return row === undefined || allowed?.[row] === 0 ? [] : [{ row, concept_id, score }];
      });
    },
    async ping() {
      await engine.search(indexOf(id, engine.alias), { size: 0, terminate_after: 1 }, searchPatience);
    },
  });
}
