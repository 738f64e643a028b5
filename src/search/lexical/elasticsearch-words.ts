import type { SearchEngine } from '../../ports/search-engine.ts';
import { restAfterFailure, searchPatience } from '../system/patience.ts';
import { indexOf } from './elasticsearch-index.ts';
import { wordQuery } from './elasticsearch-query.ts';
import type { WordEngine } from './word-arm.ts';

/** Words by Elasticsearch: each build asks the index that was made of it, whatever the alias says. */
export function elasticsearchWords(engine: SearchEngine, elapsed: () => number): WordEngine {
  const how = { by: 'concept_id', timeout: searchPatience };
  const unlessResting = restAfterFailure(elapsed);
  return ({ id }) => ({
    engine: 'elasticsearch',
    async byWords({ q, k, filters }) {
      const body = wordQuery({ q, k, filters });
      if (body === undefined) return [];
      const found = await unlessResting(
        async () => await engine.search(indexOf(id, engine.alias), body, how),
      );
      return found.map(({ id: concept, score }) => ({ concept_id: Number(concept), score }));
    },
    async ping() {
      await engine.search(indexOf(id, engine.alias), { size: 0, terminate_after: 1 }, how);
    },
  });
}
