import path from 'node:path';

import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { fileNames, type Manifest, readManifest } from '../search/index/manifest.ts';
import { buildsFolder, listBuilds, publishedBuild } from '../search/index/publish.ts';
import { openProject } from './context.ts';

/** The builds that are there, which one is published, and what it is made of. */
export async function status(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const published = await publishedBuild(project.pointer);
  const builds: Manifest[] = [];
  for (const id of await listBuilds(project.pointer)) {
    builds.push(await readManifest(path.join(buildsFolder(project.pointer), id)));
  }
  const n = (value: number): string => value.toLocaleString('en-US');
  const rows = builds.map(({ id, created_at, counts, embedding, source }) => [
    id === published ? 'published' : '',
    id,
    created_at,
    n(counts.concepts),
    n(counts.names + counts.synonyms),
    `${embedding.provider}:${embedding.model}`,
    source.label,
  ]);
  return {
    data: { pointer: project.pointer, published: published ?? null, builds },
    view: [
      published === undefined
        ? 'No index is published. Build one with: portiere index build'
        : `${project.pointer} -> builds/${published}/${fileNames.dense}`,
      ...(rows.length === 0
        ? []
        : [{ header: ['', 'build', 'created', 'concepts', 'texts', 'vectors by', 'source'], rows }]),
    ],
  };
}
