import path from 'node:path';

import type { Config } from '../config/config.ts';
import { PortiereError } from '../errors.ts';
import type { SearchEngine } from '../ports/search-engine.ts';
import { fileNames, type Manifest } from '../search/index/manifest.ts';
import { flatFile } from '../search/index/open.ts';
import { elasticsearchVectorLoader } from '../search/populate/elasticsearch-vectors.ts';
import type { VectorBuild, VectorLoader } from '../search/populate/vector-loader.ts';
import { graphShape } from '../search/stores/graph-shape.ts';
import type { VectorStore } from '../search/stores/vector-store.ts';
import { readFlatHeader } from '../search/vectors/faiss-header.ts';
import type { DenseEngine } from '../search/vectors/open.ts';
import { type Project } from './context.ts';
import { folderOf } from './index/builds.ts';
import { copiesOf } from './search-engine.ts';

type Settings = Config['settings'];

/** The server that is to search the vectors; undefined: this program, from the file. */
export function vectorServer({ DENSE_ENGINE: engine }: Settings): VectorStore['engine'] | undefined {
  return engine === 'elasticsearch' ? engine : undefined;
}

/** By what the file is searched where no server does it. */
export function fileEngine({ DENSE_ENGINE: engine }: Settings): DenseEngine {
  return engine === 'native' || engine === 'faiss-node' ? engine : 'auto';
}

/** What loads and asks the configured server; undefined where the file is searched. */
export function vectorLoaderOf(
  { config }: Project,
  engine: SearchEngine | undefined,
): VectorLoader | undefined {
  const { settings } = config;
  if (vectorServer(settings) === undefined) return undefined;
  const graph = graphShape(settings.DENSE_QUALITY);
  if (engine === undefined)
    throw new PortiereError('BUG', 'DENSE_ENGINE is elasticsearch where there is none.');
  const { ELASTICSEARCH_FORCE_MERGE: forceMerge } = settings;
  return elasticsearchVectorLoader(engine, graph, { forceMerge, copies: copiesOf(settings) });
}

/** A build as its vectors are loaded; INDEX_INVALID where it has them in no form that can be. */
export async function vectorBuildOf(project: Project, manifest: Manifest): Promise<VectorBuild> {
  const folder = folderOf(project, manifest);
  const { dense, counts } = manifest;
  return {
    id: manifest.id,
    header: await readFlatHeader(flatFile(folder, manifest)),
    lexical: path.join(folder, fileNames.lexical),
    vectors: dense.count - counts.zero_vectors,
  };
}
