import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { fileNames, type Manifest, readManifest } from '../search/index/manifest.ts';
import { buildsFolder, listBuilds, publishedBuild } from '../search/index/publish.ts';
import { indexOf } from '../search/lexical/elasticsearch-index.ts';
import { hasJobsInside, openProject, type Project } from './context.ts';
import { withSearchEngine } from './search-engine.ts';

/** The builds that are there, which one is published, and what it is made of. */
export async function status(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (hasJobsInside(project)) {
    const request = { argv: ['index', 'status'], changes: false };
    return await (await import('./stack/job.ts')).runInStack(ports, options, { project, request });
  }
  const published = await publishedBuild(project.pointer);
  const builds: Manifest[] = [];
  for (const id of await listBuilds(project.pointer)) {
    builds.push(await readManifest(path.join(buildsFolder(project.pointer), id)));
  }
  const engine = await inSearchEngine(ports, project, builds);
  const n = (value: number): string => value.toLocaleString('en-US');
  const rows = builds.map(({ id, created_at, counts, embedding, source }) => [
    id === published ? 'published' : '',
    id,
    created_at,
    n(counts.concepts),
    n(counts.names + counts.synonyms),
    `${embedding.provider}:${embedding.model}`,
    source.label,
    ...(engine === null ? [] : [engine.state === 'ok' ? (engine.held[id] ?? 'not there') : '?']),
  ]);
  const header = ['', 'build', 'created', 'concepts', 'texts', 'vectors by', 'source'];
  return {
    data: { pointer: project.pointer, published: published ?? null, builds, search_engine: engine },
    view: [
      published === undefined
        ? 'No index is published. Build one with: portiere index build'
        : `${project.pointer} -> builds/${published}/${fileNames.dense}`,
      ...(rows.length === 0
        ? []
        : [{ header: engine === null ? header : [...header, 'in Elasticsearch'], rows }]),
      ...(engine?.state === 'unreachable' ? [engine.reason] : []),
    ],
  };
}

type InSearchEngine =
  | null
  | { readonly state: 'unreachable'; readonly reason: string }
  | {
      readonly state: 'ok';
      readonly alias: readonly string[];
      readonly held: Readonly<Record<string, number>>;
    };

/** How many concepts of each build the search engine holds, and what its alias names; null where a stack has none. */
async function inSearchEngine(
  ports: Ports,
  project: Project,
  builds: readonly Manifest[],
): Promise<InSearchEngine> {
  return await withSearchEngine(ports, project, async (engine): Promise<InSearchEngine> => {
    if (engine === undefined) return null;
    try {
      const held: Record<string, number> = {};
      for (const { id } of builds) {
        const count = await engine.count(indexOf(id, engine.alias));
        if (count !== undefined) held[id] = count;
      }
      return { state: 'ok', alias: await engine.aliased(engine.alias), held };
    } catch (error) {
      if (error instanceof PortiereError) return { state: 'unreachable', reason: error.message };
      throw error;
    }
  });
}
