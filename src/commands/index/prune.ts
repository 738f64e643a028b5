import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { EmbedderIdentity } from '../../search/embed/embedder.ts';
import { identityOf } from '../../search/embed/identity.ts';
import { pruneCaches } from '../../search/embed/cache.ts';
import { embeddingsFolder, listBuilds, publishedBuild, sweep } from '../../search/index/publish.ts';
import { pruneElasticsearch } from '../../search/populate/elasticsearch.ts';
import { openProject, type Project, underLease } from '../context.ts';
import { withServers } from '../vector-server.ts';
import { modelRequest } from '../embedder.ts';
import { insideStack } from '../inside.ts';
import { publishedManifest } from './publish.ts';

/** Removes unfinished builds, those beyond INDEX_KEEP, and vectors that were kept for models no longer used. */
export async function prune(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const request = { argv: ['index', 'prune'], changes: true };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const { pointer } = project;
  const keep = project.config.settings.INDEX_KEEP;
  const published = await publishedBuild(pointer);
  if (options.dryRun === true) {
    const builds = (await listBuilds(pointer)).slice(0, -keep).filter((id) => id !== published);
    return {
      data: { would_remove: builds },
      view: [
        builds.length === 0 ? 'No complete build would be removed.' : `Would remove ${builds.join(', ')}.`,
      ],
    };
  }
  return await underLease(ports, project, 'index prune', async () => {
    const builds = await sweep(pointer, { keep });
    const caches = await pruneCaches(embeddingsFolder(pointer), await usedModels(ports, project));
    const kept = { keep, also: [published] };
    const indices = await withServers(ports, project, async (engine, loader) =>
      published === undefined
        ? []
        : [
            ...(engine === undefined ? [] : await pruneElasticsearch(engine, kept)),
            ...((await loader?.prune(kept)) ?? []),
          ],
    );
    const removed = [...builds, ...indices, ...caches.map((name) => `embeddings/${name}`)];
    return {
      data: { builds, indices, caches },
      view: [removed.length === 0 ? 'Nothing to remove.' : `Removed:\n${removed.join('\n')}`],
    };
  });
}

/** The configured model, for which hours of embedding may be kept, and the published build's. */
async function usedModels(ports: Ports, project: Project): Promise<readonly EmbedderIdentity[]> {
  const identity = await identityOf(modelRequest(ports, project));
  const published = await publishedManifest(project);
  return [identity, ...(published === undefined ? [] : [published.embedding])];
}
