import { availableParallelism } from 'node:os';
import path from 'node:path';

import { hasCode } from '../../errors.ts';
import type { Ports, Progress } from '../../ports.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import type { Embedder } from '../../search/embed/embedder.ts';
import { buildIndex } from '../../search/index/build.ts';
import { unfinished } from '../../search/index/draft.ts';
import { type DenseWish, fileNames, type Manifest, readManifest } from '../../search/index/manifest.ts';
import { buildsFolder, publishedBuild, sweep } from '../../search/index/publish.ts';
import { draftKey, recipeOf } from '../../search/index/recipe.ts';
import type { Reuse } from '../../search/index/reuse.ts';
import { settleSwap, swap } from '../../search/index/swap.ts';
import { ensureElasticsearch, pruneElasticsearch } from '../../search/populate/elasticsearch.ts';
import type { VectorLoader } from '../../search/populate/vector-loader.ts';
import type { VocabularySource } from '../../search/vocabulary/source.ts';
import type { Project } from '../context.ts';
import { copiesOf, withSearchEngine } from '../search-engine.ts';
import { vectorBuildOf, vectorServer, withVectorServer } from '../vector-server.ts';
import { folderOf } from './builds.ts';
import { loadCheckpoint } from './load-checkpoint.ts';

/** Settles what was broken off, builds, validates and publishes, in this order; call it under the operation lease. */
export async function buildAndPublish(
  ports: Ports,
  project: Project,
  parts: {
    readonly source: VocabularySource;
    readonly embedder: Embedder;
    readonly progress: Progress;
    readonly onStage?: (stage: string) => void;
    /** Half of the published build that is taken over. */
    readonly reuse?: Reuse | undefined;
  },
): Promise<Manifest> {
  return await withSearchEngine(ports, project, async (engine) => {
    // What cannot be published is not worth hours of embedding.
    await engine?.info();
    await withVectorServer(ports, project, engine, async (loader) => await loader?.count('none'));
    await settleSwap(project.pointer, engine);
    const recipe = recipeFor(ports, project, parts);
    const keep = project.config.settings.INDEX_KEEP;
    const served = await publishedBuild(project.pointer);
    const taken = await unfinished(project.pointer, draftKey(recipe, parts.reuse));
    await sweep(project.pointer, { keep, also: [taken] });
    const manifest = await buildIndex({
      ...parts,
      dense: denseWish(project),
      batchTokens: project.config.settings.EMBEDDING_BATCH_TOKENS,
      threads: availableParallelism(),
      pointer: project.pointer,
      version: ports.self.version,
      now: ports.clock.now(),
    });
    warnOfUnusable(ports, parts.source.label, manifest.source.unusable_rows);
    if (engine !== undefined) parts.onStage?.('elasticsearch');
    await publishBuild(ports, project, { manifest, engine, progress: parts.progress });
    // Replicas go on with the build before until they have opened this one; the next build sweeps it.
    await sweep(project.pointer, { keep, also: [served] });
    return manifest;
  });
}

/** The recipe of the build that the configuration asks for. */
export function recipeFor(
  ports: Ports,
  project: Project,
  { source, embedder }: { readonly source: VocabularySource; readonly embedder: Embedder },
): string {
  return recipeOf({
    source,
    embedding: embedder.identity,
    dense: denseWish(project),
    batchTokens: project.config.settings.EMBEDDING_BATCH_TOKENS,
    portiere: ports.self.version,
  });
}

/** What the configuration asks of the dense index: where a server searches it, vectors to load it with. */
export function denseWish(project: Project): DenseWish {
  const { settings } = project.config;
  const engine = vectorServer(settings);
  return engine === undefined
    ? fileWish(project)
    : { type: 'Flat', quality: settings.DENSE_QUALITY, memory: 0, engine };
}

/** What it asks of a FAISS file that is searched as it is. */
export function fileWish({ config }: Project): DenseWish {
  const { DENSE_INDEX, DENSE_QUALITY, DENSE_MEMORY_MB, DENSE_NLIST } = config.settings;
  return {
    type: DENSE_INDEX,
    quality: DENSE_QUALITY,
    memory: DENSE_MEMORY_MB * 2 ** 20,
    ...(DENSE_NLIST === 0 ? {} : { nlist: DENSE_NLIST }),
  };
}

export interface Publishing {
  readonly manifest: Manifest;
  readonly engine: SearchEngine | undefined;
  readonly progress: Progress;
}

/**
 * Publishes a complete build; true where a server had to be loaded with it. The servers have it before the pointer
 * names it, and every search asks them for the build it has open, so no answer mixes two.
 */
export async function publishBuild(ports: Ports, project: Project, publishing: Publishing): Promise<boolean> {
  const { manifest, engine } = publishing;
  const { pointer, config } = project;
  await settleSwap(pointer, engine);
  return await withVectorServer(ports, project, engine, async (loader) => {
    const loaded = await loadServers(ports, project, { ...publishing, loader });
    const served = await publishedBuild(pointer);
    await swap(pointer, manifest.id, { engine, now: ports.clock.now() });
    await loader?.announce(manifest.id);
    const kept = { keep: config.settings.INDEX_KEEP, also: [manifest.id, served] };
    if (engine !== undefined) await pruneElasticsearch(engine, kept);
    await loader?.prune(kept);
    return loaded;
  });
}

interface Loading extends Publishing {
  readonly loader: VectorLoader | undefined;
}

/** Brings a build's words and vectors to the servers that search them; true where one had to be loaded. */
async function loadServers(ports: Ports, project: Project, loading: Loading): Promise<boolean> {
  const { manifest, engine, loader, progress } = loading;
  const { settings } = project.config;
  const folder = folderOf(project, manifest);
  const { ELASTICSEARCH_FORCE_MERGE: forceMerge, ELASTICSEARCH_REFUSED: refused } = settings;
  const { id, counts } = manifest;
  const build = { id, concepts: counts.concepts, lexical: path.join(folder, fileNames.lexical) };
  const checkpoint = loadCheckpoint(ports, folder, 'words');
  const options = { progress, checkpoint, forceMerge, refused, copies: copiesOf(settings) };
  const words = engine !== undefined && (await ensureElasticsearch(engine, build, options));
  if (loader === undefined) return words;
  const load = { progress, checkpoint: loadCheckpoint(ports, folder, 'vectors') };
  return (await loader.ensure(await vectorBuildOf(project, manifest), load)) || words;
}

/** A download with a few rows that cannot be used is used, but not without a word. */
export function warnOfUnusable(ports: Ports, label: string, rows: number): void {
  if (rows === 0) return;
  ports.reporter.warn(
    `${label}: rows that cannot be used were left out: ${rows}. See: portiere vocab inspect ${label}`,
  );
}

/** The published build's manifest; undefined where none is published, or it cannot be used any more. */
export async function publishedManifest(project: Project): Promise<Manifest | undefined> {
  const id = await publishedBuild(project.pointer);
  if (id === undefined) return undefined;
  try {
    return await readManifest(path.join(buildsFolder(project.pointer), id));
  } catch (error) {
    if (hasCode(error, 'INDEX_INVALID')) return undefined;
    throw error;
  }
}
