import { PortiereError } from '../../errors.ts';
import type { Outcome, Ports } from '../../ports.ts';
import type { Manifest } from '../../search/index/manifest.ts';
import { databaseSource } from '../../search/populate/database-source.ts';
import { type Reuse, sourceOfBuild } from '../../search/index/reuse.ts';
import type { VocabularySource } from '../../search/vocabulary/source.ts';
import { type Project, underLease } from '../context.ts';
import { builderOf } from '../embedder.ts';
import { withDatabase } from '../migrate.ts';
import { openProjectFor, openSource, vocabularyInside } from '../vocabulary.ts';
import { chosenBuild, folderOf } from './builds.ts';
import { buildFromFeatures, isFeatures } from './features.ts';
import { insideStack } from '../inside.ts';
import { type StageCost, startMeter } from './meter.ts';
import type { IndexBuildOptions } from './options.ts';
import { buildAndPublish, publishedManifest, recipeFor } from './publish.ts';
import { thousands } from '../thousands.ts';

/** Builds both indexes from a download or from the loaded vocabulary and publishes them. */
export async function build(ports: Ports, options: IndexBuildOptions): Promise<Outcome> {
  if (isFeatures(options.source)) {
    return await buildFromFeatures(ports, await openProjectFor(ports, options), options);
  }
  if (options.source !== undefined && options.source !== 'database') {
    throw new PortiereError('USAGE', `--source ${options.source} is not known.`, {
      hint: 'It takes: database, or a file of vectors (.h5, .hdf5)',
    });
  }
  if (options.source !== undefined && options.vocabulary !== undefined) {
    throw new PortiereError('USAGE', '--source database and --vocabulary exclude each other.', {
      hint: 'Give one.',
    });
  }
  if (options.only === 'dense' && (options.source ?? options.vocabulary ?? options.select) !== undefined) {
    throw new PortiereError('USAGE', '--only dense takes the vocabulary of the published build.', {
      hint: 'Leave --vocabulary, --select and --source out, or build both halves.',
    });
  }
  const project = await openProjectFor(ports, options);
  const request = { argv: argvInside(options), changes: true, ...vocabularyInside(project) };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const embedder = await builderOf(ports, project);
  try {
    if (options.dryRun === true) return await withSource(ports, project, { options, work: wouldBuild });
    return await underLease(
      ports,
      project,
      'index build',
      async () => await withSource(ports, project, { options, work: buildFrom }),
    );
  } finally {
    await embedder.close();
  }

  async function buildFrom(source: VocabularySource): Promise<Outcome> {
    const there = options.ifChanged === true ? await publishedManifest(project) : undefined;
    if (there !== undefined && there.recipe === recipeFor(ports, project, { source, embedder })) {
      const view = [`Nothing to do: build ${there.id} is of the same vocabulary, model and settings.`];
      return { data: { ...there, nothing_to_do: true }, view };
    }
    const reuse = options.only === undefined ? undefined : await otherHalf(project, options.only);
    const meter = startMeter(ports);
    const onStage = (stage: string): void => {
      meter.begin(stage);
    };
    const manifest = await ports.reporter
      .step(
        `Build the index (${embedder.identity.model})`,
        async (progress) =>
          await buildAndPublish(ports, project, { source, embedder, progress, onStage, reuse }),
      )
      .finally(() => meter.end());
    const stages = meter.end();
    return { data: { ...manifest, stages }, view: [summary(manifest), costs(stages)] };
  }

  async function wouldBuild({ label, select }: VocabularySource): Promise<Outcome> {
    const { model } = embedder.identity;
    return {
      data: { would_build: { source: label, select, model, pointer: project.pointer } },
      view: [`Would build an index of ${label} with ${model}, and publish it at ${project.pointer}.`],
    };
  }
}

/** The half of the published build that is not built anew. */
async function otherHalf(project: Project, only: 'dense' | 'lexical'): Promise<Reuse> {
  const manifest = await chosenBuild(project, undefined);
  const half = only === 'dense' ? 'lexical' : 'dense';
  return { half, manifest, folder: folderOf(project, manifest) };
}

function argvInside({ source, ifChanged, only }: IndexBuildOptions): string[] {
  return [
    'index',
    'build',
    ...(source === undefined ? [] : ['--source', source]),
    ...(ifChanged === true ? ['--if-changed'] : []),
    ...(only === undefined ? [] : ['--only', only]),
  ];
}

export interface SourceWork<Result> {
  readonly options: IndexBuildOptions;
  readonly work: (source: VocabularySource) => Promise<Result>;
}

/** Opens the download, or the loaded vocabulary, for the time of the work. */
export async function withSource<Result>(
  ports: Ports,
  project: Project,
  { options, work }: SourceWork<Result>,
): Promise<Result> {
  const select = project.config.settings.VOCABULARIES;
  // The full text that is taken over was made of a vocabulary that need not be there any more.
  if (options.only === 'dense') return await work(sourceOfBuild(await chosenBuild(project, undefined)));
  const using = async (source: VocabularySource): Promise<Result> => {
    try {
      return await work(source);
    } finally {
      await source.close();
    }
  };
  if (options.source === undefined) return await using(await openSource(ports, project, select));
  return await withDatabase(
    ports,
    project,
    'index build',
    async (database) => await using(await databaseSource(database, select)),
  );
}

/** One line on a build: what it holds and by which model. */
export function summary({ id, counts, embedding, source }: Manifest): string {
  const n = thousands;
  return (
    `Published build ${id}: ${n(counts.concepts)} concepts, ${n(counts.names + counts.synonyms)} texts, ` +
    `vectors by ${embedding.provider}${embedding.provider === 'hashing' ? ' (no model: spelling, not meaning)' : ` ${embedding.model}`}, ` +
    `from ${source.label}.`
  );
}

function costs(stages: readonly StageCost[]): { header: string[]; rows: string[][] } {
  return {
    header: ['step', 'seconds', 'peak memory'],
    rows: stages.map(({ stage, seconds, peak_bytes }) => [
      stage,
      seconds.toFixed(1),
      `${thousands(Math.ceil(peak_bytes / 2 ** 20))} MiB`,
    ]),
  };
}
