import { hasCode } from '../../errors.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import { pointAlias } from '../lexical/elasticsearch-alias.ts';
import { elasticsearchVectors } from '../stores/elasticsearch-vectors.ts';
import {
  vectorDocument,
  vectorsIdentity,
  vectorsIndexBody,
  vectorsIndexOf,
} from '../stores/elasticsearch-vectors-index.ts';
import type { GraphShape } from '../stores/graph-shape.ts';
import { storedRows } from '../stores/stored-rows.ts';
import { ensureCargo, type LoadOptions } from './elasticsearch.ts';
import type { NumberedDocument } from './elasticsearch-batches.ts';
import type { Cargo } from './elasticsearch-cargo.ts';
import { expectedVectorDigest, vectorDigest } from './elasticsearch-vector-digest.ts';
import { notHeld } from './not-held.ts';
import { requireSelfFound } from './self-found.ts';
import type { VectorBuild, VectorLoader } from './vector-loader.ts';

/** Vectors in Elasticsearch, an index a build beside that of its words. */
export function elasticsearchVectorLoader(
  engine: SearchEngine,
  graph: GraphShape,
  options: Omit<LoadOptions, 'progress' | 'checkpoint'> = {},
): VectorLoader {
  const store = elasticsearchVectors(engine, graph);
  return {
    store,
    async ensure(build, given) {
      const cargo = vectorCargo(build, engine.alias, graph);
      const check = async (): Promise<void> => {
        await requireSelfFound(
          'elasticsearch',
          build,
          async (question) => await store.nearest(build.id, question),
        ).catch(async (error: unknown) => {
          const unsound = hasCode(error, 'INDEX_INVALID');
          if (unsound) await engine.deleteIndex(cargo.index);
          throw error;
        });
      };
      // With one left out nobody would know what a search lacks.
      return await ensureCargo(engine, { ...cargo, check }, { ...options, ...given, refused: 'fail' });
    },
    count: async (buildId) => await engine.count(vectorsIndexOf(buildId, engine.alias)),
    async verify(build) {
      const index = vectorsIndexOf(build.id, engine.alias);
      const count = (await engine.count(index)) ?? 0;
      if (count !== build.vectors)
        throw notHeld(
          `The index ${index} in Elasticsearch holds ${count} vectors, the build ${build.vectors}.`,
        );
      if ((await vectorDigest(engine, index)) === (await expectedVectorDigest(build))) return;
      throw notHeld(`The index ${index} in Elasticsearch holds other vectors than the build.`);
    },
    async drop(buildId) {
      await engine.deleteIndex(vectorsIndexOf(buildId, engine.alias));
    },
    async announce(buildId) {
      const index = vectorsIndexOf(buildId, engine.alias);
      await pointAlias(engine, { alias: `${engine.alias}-vectors`, index });
    },
    // They go with the indices of their words.
    prune: async () => [],
  };
}

function vectorCargo(build: VectorBuild, alias: string, graph: GraphShape): Cargo {
  const { id, header, vectors } = build;
  const of = { build: id, vectors, dimension: header.dimension, graph };
  return {
    index: vectorsIndexOf(id, alias),
    unit: ['row', 'vectors'],
    documents: vectors,
    identity: vectorsIdentity(of),
    body: vectorsIndexBody(of),
    after: (number) => documents(build, number),
    // But for the few rows without a vector.
    upTo: (number) => Math.min(vectors, number + 1),
  };
}

function* documents(build: VectorBuild, after: number | undefined): Generator<NumberedDocument> {
  for (const stored of storedRows(build, after === undefined ? 0 : after + 1))
    yield { number: stored.row, json: vectorDocument(stored) };
}
