import path from 'node:path';

import type { Config } from '../config/config.ts';
import { PortiereError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import type { SearchEngine } from '../ports/search-engine.ts';
import { fileNames, type Manifest } from '../search/index/manifest.ts';
import { flatFile } from '../search/index/open.ts';
import { elasticsearchVectorLoader } from '../search/populate/elasticsearch-vectors.ts';
import { milvusVectorLoader } from '../search/populate/milvus-vectors.ts';
import type { VectorBuild, VectorLoader } from '../search/populate/vector-loader.ts';
import { graphShape } from '../search/stores/graph-shape.ts';
import { serverNames, type VectorStore } from '../search/stores/vector-store.ts';
import { readFlatHeader } from '../search/vectors/faiss-header.ts';
import type { DenseEngine } from '../search/vectors/open.ts';
import type { Project } from './context.ts';
import { folderOf } from './index/builds.ts';
import { callTimeout, copiesOf, withSearchEngine } from './search-engine.ts';

type Settings = Config['settings'];

/** The server that is to search the vectors; undefined: this program, from the file. */
export function vectorServer({ DENSE_ENGINE: engine }: Settings): VectorStore['engine'] | undefined {
  return engine === 'elasticsearch' || engine === 'milvus' ? engine : undefined;
}

/** Names of the servers that builds are loaded into, as operators call them. */
export function serversOf({ base, settings }: Config): string[] {
  const vectors = vectorServer(settings);
  const names = [
    ...(base === 'embedded' ? [] : [serverNames.elasticsearch]),
    ...(vectors === undefined ? [] : [serverNames[vectors]]),
  ];
  return [...new Set(names)];
}

/** By what the file is searched where no server does it. */
export function fileEngine({ DENSE_ENGINE: engine }: Settings): DenseEngine {
  return engine === 'native' || engine === 'faiss-node' ? engine : 'auto';
}

/** What loads and asks the configured server, to be closed; undefined where the file is searched. */
export interface OpenVectorServer {
  readonly loader: VectorLoader;
  close(): Promise<void>;
}

/** Opens the configured server; `engine` is the stack's, and stays open. */
export async function openVectorServer(
  ports: Ports,
  { config }: Project,
  engine: SearchEngine | undefined,
): Promise<OpenVectorServer | undefined> {
  const { settings } = config;
  const wanted = vectorServer(settings);
  if (wanted === undefined) return undefined;
  const graph = graphShape(wanted, settings.DENSE_QUALITY);
  if (wanted === 'milvus') {
    const token = settings.MILVUS_TOKEN?.reveal() ?? '';
    const database = await ports.vectorDatabases.connect({
      url: settings.MILVUS_URL,
      timeout: callTimeout,
      ...(token === '' ? {} : { token }),
    });
    const loader = milvusVectorLoader(database, { prefix: settings.MILVUS_COLLECTION, graph });
    return { loader, close: async () => await database.close() };
  }
  if (engine === undefined)
    throw new PortiereError('BUG', 'DENSE_ENGINE is elasticsearch where there is none.');
  const { ELASTICSEARCH_FORCE_MERGE: forceMerge } = settings;
  const loader = elasticsearchVectorLoader(engine, graph, { forceMerge, copies: copiesOf(settings) });
  return { loader, close: async () => {} };
}

/** Works with the configured server, as far as there is one, and closes it. */
export async function withVectorServer<T>(
  ports: Ports,
  project: Project,
  engine: SearchEngine | undefined,
  work: (loader: VectorLoader | undefined) => Promise<T>,
): Promise<T> {
  const server = await openVectorServer(ports, project, engine);
  try {
    return await work(server?.loader);
  } finally {
    await server?.close();
  }
}

/** Works with the stack's search engine and the server of the vectors, as far as there are any, and closes both. */
export async function withServers<T>(
  ports: Ports,
  project: Project,
  work: (engine: SearchEngine | undefined, loader: VectorLoader | undefined) => Promise<T>,
): Promise<T> {
  return await withSearchEngine(
    ports,
    project,
    async (engine) =>
      await withVectorServer(ports, project, engine, async (loader) => await work(engine, loader)),
  );
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
