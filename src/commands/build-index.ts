import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Ports, Progress } from '../ports.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import { buildIndex } from '../search/index/build.ts';
import { type Manifest, readManifest } from '../search/index/manifest.ts';
import { buildsFolder, publish, publishedBuild, sweep } from '../search/index/publish.ts';
import type { VocabularySource } from '../search/vocabulary/source.ts';
import type { Project } from './context.ts';

const keptBuilds = 2;

/** Sweeps, builds, validates and publishes, in this order; call it under the operation lease. */
export async function buildAndPublish(
  ports: Ports,
  project: Project,
  parts: { readonly source: VocabularySource; readonly embedder: Embedder; readonly progress: Progress },
): Promise<Manifest> {
  await sweep(project.pointer, keptBuilds);
  const manifest = await buildIndex({
    ...parts,
    pointer: project.pointer,
    version: ports.self.version,
    now: ports.clock.now(),
  });
  warnOfUnusable(ports, parts.source);
  await publish(project.pointer, manifest.id);
  await sweep(project.pointer, keptBuilds);
  return manifest;
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
