import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { fileNames, type Manifest } from '../../search/index/manifest.ts';
import { publishedBuild } from '../../search/index/publish.ts';
import { pendingSwap } from '../../search/index/swap.ts';
import { serverNames } from '../../search/stores/vector-store.ts';
import { indexOf } from '../../search/lexical/elasticsearch-index.ts';
import { openProject, type Project } from '../context.ts';
import { withSearchEngine } from '../search-engine.ts';
import { vectorLoaderOf, vectorServer } from '../vector-server.ts';
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
  const held = (what: 'held' | 'vectors', id: string): string | number =>
    engine?.state === 'ok' ? (engine[what]?.[id] ?? 'not there') : '?';
  const server = vectorServer(project.config.settings);
  const more = [
    ...(engine === null ? [] : [{ header: 'in Elasticsearch', of: ({ id }: Manifest) => held('held', id) }]),
    ...(server === undefined
      ? []
      : [{ header: `vectors in ${serverNames[server]}`, of: ({ id }: Manifest) => held('vectors', id) }]),
  ];
  return {
    data: { pointer: project.pointer, published, stale, swap, builds, search_engine: engine },
    view: [
      published === null
        ? 'No index is published. Build one with: portiere index build'
        : `${project.pointer} -> builds/${published}/${fileNames.dense}`,
      ...(builds.length === 0 ? [] : [table(builds, published, more)]),
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
      /** Where a server searches the vectors. */
      readonly vectors?: Readonly<Record<string, number>>;
    };

/** How many concepts and vectors of each build the servers hold, and what the alias names; null where a stack has none. */
async function inSearchEngine(
  ports: Ports,
  project: Project,
  builds: readonly Manifest[],
): Promise<InSearchEngine> {
  return await withSearchEngine(ports, project, async (engine): Promise<InSearchEngine> => {
    if (engine === undefined) return null;
    try {
      const held = await counts(builds, async (id) => await engine.count(indexOf(id, engine.alias)));
      const loader = vectorLoaderOf(project, engine);
      const alias = await engine.aliased(engine.alias);
      if (loader === undefined) return { state: 'ok', alias, held };
      return {
        state: 'ok',
        alias,
        held,
        vectors: await counts(builds, async (id) => await loader.count(id)),
      };
    } catch (error) {
      if (error instanceof PortiereError) return { state: 'unreachable', reason: error.message };
      throw error;
    }
  });
}

async function counts(
  builds: readonly Manifest[],
  count: (id: string) => Promise<number | undefined>,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { id } of builds) {
    const documents = await count(id);
    if (documents !== undefined) found[id] = documents;
  }
  return found;
}
