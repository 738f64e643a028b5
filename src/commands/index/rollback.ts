import { PortiereError } from '../../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { identityOf } from '../../search/embed/identity.ts';
import { checkFiles } from '../../search/index/check-files.ts';
import type { Manifest } from '../../search/index/manifest.ts';
import { refuseOtherModel } from '../../search/index/open.ts';
import { listBuilds, publishedBuild } from '../../search/index/publish.ts';
import { openProject, type Project, underLease } from '../context.ts';
import { modelRequest } from '../embedder.ts';
import { withSearchEngine } from '../search-engine.ts';
import { chosenBuild, folderOf } from './builds.ts';
import { insideStack } from '../inside.ts';
import { publishBuild } from './publish.ts';

export interface RollbackOptions extends GlobalOptions {
  readonly build?: string;
}

/** Publishes the build before the published one, or the one that is named; nothing is built. */
export async function rollback(ports: Ports, options: RollbackOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  const named = options.build === undefined ? [] : [options.build];
  const request = { argv: ['index', 'rollback', ...named], changes: true };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  if (options.dryRun === true) {
    const { id } = await chosenBuild(project, options.build ?? (await before(project)));
    return { data: { would_publish: id }, view: [`Would publish build ${id}.`] };
  }
  return await underLease(ports, project, 'index rollback', async () => {
    const from = (await publishedBuild(project.pointer)) ?? null;
    const manifest = await chosenBuild(project, options.build ?? (await before(project)));
    await refuseWhatIsNotServed(ports, project, manifest);
    await checkFiles(folderOf(project, manifest), manifest, { quickly: true });
    await ports.reporter.step(
      `Publish build ${manifest.id}`,
      async (progress) =>
        await withSearchEngine(
          ports,
          project,
          async (engine) => await publishBuild(ports, project, { manifest, engine, progress }),
        ),
    );
    return {
      data: { from, build: manifest.id },
      view: [`Published build ${manifest.id} in place of ${from ?? 'none'}.`],
    };
  });
}

/** An API with another model would go on with the build it has, and say so in its log alone. */
async function refuseWhatIsNotServed(ports: Ports, project: Project, manifest: Manifest): Promise<void> {
  refuseOtherModel(manifest, await identityOf(modelRequest(ports, project)));
}

/** The newest build that is older than the published one. */
async function before({ pointer }: Project): Promise<string> {
  const published = await publishedBuild(pointer);
  const older = (await listBuilds(pointer)).filter((id) => published !== undefined && id < published);
  const last = older.at(-1);
  if (last !== undefined) return last;
  throw new PortiereError('INDEX_MISSING', 'There is no build older than the published one.', {
    hint: 'See what there is with: portiere index list; INDEX_KEEP says how many are kept.',
  });
}
