import { PortiereError } from '../errors.ts';
import type { Outcome, Ports } from '../ports.ts';
import type { Manifest } from '../search/index/manifest.ts';
import { databaseSource } from '../search/populate/database-source.ts';
import { buildAndPublish } from './build-index.ts';
import { hasJobsInside, type Project, underLease } from './context.ts';
import { builderOf } from './embedder.ts';
import { withDatabase } from './migrate.ts';
import { openProjectFor, openSource, vocabularyInside, type VocabularyOptions } from './vocabulary.ts';

export interface IndexBuildOptions extends VocabularyOptions {
  readonly source?: string;
}

/** Builds both indexes from a download or from the loaded vocabulary and publishes them. */
export async function build(ports: Ports, options: IndexBuildOptions): Promise<Outcome> {
  if (options.source !== undefined && options.source !== 'database') {
    throw new PortiereError('USAGE', `--source ${options.source} is not known.`, {
      hint: 'It takes: database',
    });
  }
  if (options.source !== undefined && options.vocabulary !== undefined) {
    throw new PortiereError('USAGE', '--source database and --vocabulary exclude each other.', {
      hint: 'Give one.',
    });
  }
  const project = await openProjectFor(ports, options);
  if (hasJobsInside(project)) {
    const source = options.source === undefined ? [] : ['--source', options.source];
    const request = { argv: ['index', 'build', ...source], changes: true, ...vocabularyInside(project) };
    return await (await import('./stack/job.ts')).runInStack(ports, options, { project, request });
  }
  if (options.dryRun === true) return await wouldBuild(ports, project, options);
  return await underLease(ports, project, 'index build', async () => {
    const embedder = await builderOf(ports, project);
    try {
      const run = async (source: Parameters<typeof buildAndPublish>[2]['source']): Promise<Manifest> =>
        await ports.reporter.step(
          `Build the index (${embedder.identity.model})`,
          async (progress) => await buildAndPublish(ports, project, { source, embedder, progress }),
        );
      const manifest =
        options.source === 'database'
          ? await withDatabase(ports, project, 'index build', async (database) => {
              const source = await databaseSource(database, project.config.settings.VOCABULARIES);
              const built = await run(source);
              await source.close();
              return built;
            })
          : await fromBundle(
              async () => await openSource(ports, project, project.config.settings.VOCABULARIES),
              run,
            );
      return { data: manifest, view: [summary(manifest)] };
    } finally {
      await embedder.close();
    }
  });
}

async function wouldBuild(ports: Ports, project: Project, options: IndexBuildOptions): Promise<Outcome> {
  const select = project.config.settings.VOCABULARIES;
  const embedder = await builderOf(ports, project);
  await embedder.close();
  let label = 'the loaded vocabulary';
  if (options.source === undefined) {
    const source = await openSource(ports, project, select);
    await source.close();
    label = source.label;
  }
  const { model } = embedder.identity;
  return {
    data: { would_build: { source: label, select, model, pointer: project.pointer } },
    view: [`Would build an index of ${label} with ${model}, and publish it at ${project.pointer}.`],
  };
}

/** One line on a build: what it holds and by which model. */
export function summary({ id, counts, embedding, source }: Manifest): string {
  const n = (value: number): string => value.toLocaleString('en-US');
  return (
    `Published build ${id}: ${n(counts.concepts)} concepts, ${n(counts.names + counts.synonyms)} texts, ` +
    `vectors by ${embedding.provider}${embedding.provider === 'hashing' ? ' (no model: spelling, not meaning)' : ` ${embedding.model}`}, ` +
    `from ${source.label}.`
  );
}

async function fromBundle(
  open: () => ReturnType<typeof openSource>,
  run: (source: Awaited<ReturnType<typeof openSource>>) => Promise<Manifest>,
): Promise<Manifest> {
  const source = await open();
  try {
    return await run(source);
  } finally {
    await source.close();
  }
}
