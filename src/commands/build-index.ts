import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Ports, Progress } from '../ports.ts';
import type { SearchEngine } from '../ports/search-engine.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import { buildIndex } from '../search/index/build.ts';
import { fileNames, type Manifest, readManifest } from '../search/index/manifest.ts';
import { buildsFolder, publish, publishedBuild, sweep } from '../search/index/publish.ts';
import { ensureElasticsearch, promoteElasticsearch } from '../search/populate/elasticsearch.ts';
import type { VocabularySource } from '../search/vocabulary/source.ts';
import type { Project } from './context.ts';
import { withSearchEngine } from './search-engine.ts';

const keptBuilds = 2;

/** Sweeps, builds, validates and publishes, in this order; call it under the operation lease. */
export async function buildAndPublish(
  ports: Ports,
  project: Project,
  parts: { readonly source: VocabularySource; readonly embedder: Embedder; readonly progress: Progress },
): Promise<Manifest> {
  return await withSearchEngine(ports, project, async (engine) => {
    // What cannot be published is not worth hours of embedding.
    await engine?.info();
    await sweep(project.pointer, keptBuilds);
    const manifest = await buildIndex({
      ...parts,
      pointer: project.pointer,
      version: ports.self.version,
      now: ports.clock.now(),
    });
    warnOfUnusable(ports, parts.source);
    await publishBuild(project, manifest, { engine, progress: parts.progress });
    await sweep(project.pointer, keptBuilds);
    return manifest;
  });
}

/**
 * Publishes a complete build; true where the search engine had to be loaded with it. The engine has it before the
 * pointer names it, and every search asks the engine for the build it has open, so no answer mixes two.
 */
export async function publishBuild(
  { pointer }: Project,
  { id, counts }: Manifest,
  { engine, progress }: { readonly engine: SearchEngine | undefined; readonly progress: Progress },
): Promise<boolean> {
  const lexical = path.join(buildsFolder(pointer), id, fileNames.lexical);
  const loaded =
    engine !== undefined &&
    (await ensureElasticsearch(engine, { id, concepts: counts.concepts, lexical }, progress));
  if ((await publishedBuild(pointer)) !== id) await publish(pointer, id);
  if (engine !== undefined) await promoteElasticsearch(engine, id, keptBuilds);
  return loaded;
}

/** A download with a few rows that cannot be used is used, but not without a word. */
export function warnOfUnusable(ports: Ports, source: VocabularySource): void {
  const rows = source.unusable();
  if (rows === 0) return;
  const label = source.label;
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
    if (error instanceof PortiereError && error.code === 'INDEX_INVALID') return undefined;
    throw error;
  }
}
