import type { SearchEngine } from '../../ports/search-engine.ts';
import { narrowing } from '../lexical/elasticsearch-query.ts';
import type { Filters } from '../lexical/filter.ts';
import { vectorField, vectorsIndexOf } from './elasticsearch-vectors-index.ts';
import type { GraphShape } from './graph-shape.ts';
import type { NearestQuestion, VectorStore } from './vector-store.ts';

/** More candidates than this are refused. */
const mostCandidates = 10_000;

/** Vectors by Elasticsearch: each build asks the index that was loaded with it, whatever an alias says. */
export function elasticsearchVectors(engine: SearchEngine, graph: GraphShape): VectorStore {
  return {
    engine: 'elasticsearch',
    async nearest(buildId, question) {
      const index = vectorsIndexOf(buildId, engine.alias);
      const found = await engine.search(index, nearestBody(question, graph), {
        by: 'row',
        timeout: question.timeout,
      });
      return found.map(({ id }) => Number(id));
    },
  };
}

/** The body of a search for the nearest vectors; filters narrow while the graph is walked. */
export function nearestBody(
  { vector, k, filters }: Pick<NearestQuestion, 'vector' | 'k' | 'filters'>,
  { effort }: GraphShape,
): object {
  const size = Math.min(k, mostCandidates);
  return {
    size,
    knn: {
      field: vectorField,
      query_vector: [...vector],
      k: size,
      num_candidates: Math.min(size * effort, mostCandidates),
      ...filterOf(filters),
    },
  };
}

function filterOf(filters: Filters): { readonly filter?: object } {
  const narrowed = narrowing(filters);
  const { filter, must_not } = narrowed;
  return filter.length + must_not.length === 0 ? {} : { filter: { bool: narrowed } };
}
