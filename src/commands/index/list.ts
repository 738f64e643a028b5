import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import type { Manifest } from '../../search/index/manifest.ts';
import { publishedBuild } from '../../search/index/publish.ts';
import { openProject } from '../context.ts';
import { keptBuilds } from './builds.ts';
import { insideStack } from '../inside.ts';
import { thousands } from '../thousands.ts';

/** The builds that are kept, oldest first. */
export async function list(ports: Ports, options: GlobalOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const request = { argv: ['index', 'list'], changes: false };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const published = (await publishedBuild(project.pointer)) ?? null;
  const builds = await keptBuilds(project);
  return {
    data: { published, builds },
    view: [
      builds.length === 0
        ? 'There is no build. Make one with: portiere index build'
        : table(builds, published),
    ],
  };
}

/** A line a build. */
export function table(
  builds: readonly Manifest[],
  published: string | null,
  more: readonly { readonly header: string; readonly of: (build: Manifest) => string | number }[] = [],
): { readonly header: string[]; readonly rows: (string | number)[][] } {
  const n = thousands;
  const header = ['', 'build', 'created', 'concepts', 'texts', 'dense', 'vectors by', 'source'];
  return {
    header: [...header, ...more.map((column) => column.header)],
    rows: builds.map((build) => [
      build.id === published ? 'published' : '',
      build.id,
      build.created_at,
      n(build.counts.concepts),
      n(build.counts.names + build.counts.synonyms),
      build.dense.type,
      `${build.embedding.provider}:${build.embedding.model}`,
      build.source.label,
      ...more.map((column) => column.of(build)),
    ]),
  };
}
