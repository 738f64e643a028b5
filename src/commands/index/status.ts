import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { fileNames, type Manifest } from '../../search/index/manifest.ts';
import { publishedBuild } from '../../search/index/publish.ts';
import { pendingSwap } from '../../search/index/swap.ts';
import { indexOf } from '../../search/lexical/elasticsearch-index.ts';
import { openProject, type Project } from '../context.ts';
import { withSearchEngine } from '../search-engine.ts';
import { keptBuilds, staleness } from './builds.ts';
import { insideStack } from '../inside.ts';
import { table } from './list.ts';

/** The published build and whether the vocabulary on disk is still the one it was made of; the builds that are kept. */
export async function status(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const request = { argv: ['index', 'status'], changes: false };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const published = (await publishedBuild(project.pointer)) ?? null;
  const builds = await keptBuilds(project);
  const engine = await inSearchEngine(ports, project, builds);
  const swap = (await pendingSwap(project.pointer)) ?? null;
  const current = builds.find(({ id }) => id === published);
  const stale = current === undefined ? null : await staleness(project, current.source.stamp);
  const held = (id: string): string | number =>
    engine?.state === 'ok' ? (engine.held[id] ?? 'not there') : '?';
  const inEngine =
    engine === null ? undefined : { header: 'in Elasticsearch', of: ({ id }: Manifest) => held(id) };
  return {
    data: { pointer: project.pointer, published, stale, swap, builds, search_engine: engine },
    view: [
      published === null
        ? 'No index is published. Build one with: portiere index build'
        : `${project.pointer} -> builds/${published}/${fileNames.dense}`,
      ...(builds.length === 0 ? [] : [table(builds, published, inEngine)]),
      ...(stale === null ? [] : [stale]),
      ...(swap === null
        ? []
        : [`The swap to build ${swap.to} was broken off; the next index command settles it.`]),
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
