import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { fileNames, type Manifest } from '../../search/index/manifest.ts';
import { publishedBuild } from '../../search/index/publish.ts';
import { pendingSwap } from '../../search/index/swap.ts';
import { serverNames, type VectorStore } from '../../search/stores/vector-store.ts';
import { indexOf } from '../../search/lexical/elasticsearch-index.ts';
import { openProject, type Project } from '../context.ts';
import { withSearchEngine } from '../search-engine.ts';
import { vectorServer, withServers } from '../vector-server.ts';
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
  const vectors = await inVectorServer(ports, project, builds);
  const held = (where: Held | null, id: string): string | number =>
    where?.state === 'ok' ? (where.held[id] ?? 'not there') : '?';
  const more = [
    ...(engine === null ? [] : [{ header: 'in Elasticsearch', of: ({ id }: Manifest) => held(engine, id) }]),
    ...(vectors === null
      ? []
      : [
          {
            header: `vectors in ${serverNames[vectors.engine]}`,
            of: ({ id }: Manifest) => held(vectors, id),
          },
        ]),
  ];
  return {
    data: {
      pointer: project.pointer,
      published,
      stale,
      swap,
      builds,
      search_engine: engine,
      vector_server: vectors,
    },
    view: [
      published === null
        ? 'No index is published. Build one with: portiere index build'
        : `${project.pointer} -> builds/${published}/${fileNames.dense}`,
      ...(builds.length === 0 ? [] : [table(builds, published, more)]),
      ...(stale === null ? [] : [stale]),
      ...(swap === null
        ? []
        : [`The swap to build ${swap.to} was broken off; the next index command settles it.`]),
      ...[engine, vectors].flatMap((one) => (one?.state === 'unreachable' ? [one.reason] : [])),
    ],
  };
}

interface Unreachable {
  readonly state: 'unreachable';
  readonly reason: string;
}

/** What a server holds of each build: documents by id; or why it does not say. */
type Held = Unreachable | { readonly state: 'ok'; readonly held: Readonly<Record<string, number>> };

/** How many concepts of each build the search engine holds, and what its alias names; null where a stack has none. */
async function inSearchEngine(
  ports: Ports,
  project: Project,
  builds: readonly Manifest[],
): Promise<(Held & { readonly alias?: readonly string[] }) | null> {
  return await unlessAway(
    async () =>
      await withSearchEngine(ports, project, async (engine) => {
        if (engine === undefined) return null;
        const held = await counts(builds, async (id) => await engine.count(indexOf(id, engine.alias)));
        return { state: 'ok', alias: await engine.aliased(engine.alias), held } as const;
      }),
  );
}

/** How many vectors of each build the server that searches them holds; null where the file is searched. */
async function inVectorServer(
  ports: Ports,
  project: Project,
  builds: readonly Manifest[],
): Promise<(Held & { readonly engine: VectorStore['engine'] }) | null> {
  const name = vectorServer(project.config.settings);
  if (name === undefined) return null;
  // The opening also: a package of its client may be missing.
  const found = await unlessAway(
    async () =>
      await withServers(ports, project, async (_engine, loader) => {
        const held = await counts(builds, async (id) => await loader?.count(id));
        return { state: 'ok', held } as const;
      }),
  );
  return { ...found, engine: name };
}

async function unlessAway<T extends Held | null>(look: () => Promise<T>): Promise<T | Unreachable> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof PortiereError) return { state: 'unreachable', reason: error.message };
    throw error;
  }
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
