import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import { type Manifest, readManifest } from '../../search/index/manifest.ts';
import { buildsFolder, listBuilds, publishedBuild } from '../../search/index/publish.ts';
import { stampOf } from '../../search/vocabulary/stamp.ts';
import type { Project } from '../context.ts';

/** The build of this id, or the published one; INDEX_MISSING names those there are. */
export async function chosenBuild({ pointer }: Project, id: string | undefined): Promise<Manifest> {
  const builds = await listBuilds(pointer);
  const wanted = id ?? (await publishedBuild(pointer));
  if (wanted !== undefined && builds.includes(wanted)) {
    return await readManifest(path.join(buildsFolder(pointer), wanted));
  }
  throw new PortiereError(
    'INDEX_MISSING',
    wanted === undefined ? 'No index is published.' : `There is no build ${wanted}.`,
    {
      hint: builds.length === 0 ? 'Build one with: portiere index build' : `There are: ${builds.join(', ')}`,
    },
  );
}

/** Manifests of the complete builds, oldest first; one that this version cannot read is left out. */
export async function keptBuilds(project: Project): Promise<Manifest[]> {
  const builds: Manifest[] = [];
  for (const id of await listBuilds(project.pointer)) {
    const manifest = await readManifest(folderOf(project, { id })).catch(() => undefined);
    if (manifest !== undefined) builds.push(manifest);
  }
  return builds;
}

/** Why the published build may be older than the vocabulary on disk; null where its files have the build's `stamp`. */
export async function staleness({ config, resolve }: Project, stamp: string | null): Promise<string | null> {
  const { VOCABULARY_PATH } = config.settings;
  if (VOCABULARY_PATH === '' || stamp === null) return null;
  const now = await stampOf(resolve(VOCABULARY_PATH));
  if (now === null || now === stamp) return null;
  return `${VOCABULARY_PATH} is not the file that the published build was made of, or was touched since: portiere index build --if-changed`;
}

/** Folder of a build. */
export function folderOf({ pointer }: Project, { id }: Pick<Manifest, 'id'>): string {
  return path.join(buildsFolder(pointer), id);
}
