import { planUp, type UpPlan } from '../plan/rollout.ts';
import type { Database, Ports, Progress } from '../ports.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import type { Manifest } from '../search/index/manifest.ts';
import { databaseSource } from '../search/populate/database-source.ts';
import { loadVocabulary } from '../search/populate/load-vocabulary.ts';
import type { VocabularySource } from '../search/vocabulary/source.ts';
import { buildAndPublish, publishedManifest } from './index/publish.ts';
import type { Project } from './context.ts';
import { applyMigrations, withDatabase } from './migrate.ts';
import { requireRoom } from './require-room.ts';
import { gatherFacts } from './up-facts.ts';
import { openSource } from './vocabulary.ts';

export interface Prepared {
  readonly plan: UpPlan;
  readonly manifest: Manifest;
}

/** What a complete build must be made of, to be published instead of a new one. */
export interface Wanted {
  readonly digest: string;
  readonly select: readonly string[];
}

export interface PrepareParts {
  readonly embedder: Embedder;
  /** In whose name the database is asked. */
  readonly command: string;
  /** Publishes a build that is there already and fits, and says which; undefined: a new one has to be made. */
  readonly reuse?: (wanted: Wanted, progress: Progress) => Promise<Manifest | undefined>;
}

/**
 * Everything before the server, each part only where the plan has a cause for it. The database is closed while the
 * index is built from a download: an embedded one would hold some 0.5 GB for nothing.
 */
export async function prepare(ports: Ports, project: Project, parts: PrepareParts): Promise<Prepared> {
  const { embedder, command, reuse } = parts;
  const { VOCABULARIES: select, VOCABULARY_PATH } = project.config.settings;
  const plan = await withDatabase(ports, project, command, async (database) => {
    const decided = planUp(await gatherFacts(ports, project, { embedder, database }));
    await migrateAndLoad(ports, project, { plan: decided, database });
    return decided;
  });
  if (plan.build === null) return { plan, manifest: (await publishedManifest(project)) as Manifest };
  const title = `Build the index with ${embedder.identity.model} (${plan.build})`;
  const build = async (source: VocabularySource): Promise<Manifest> =>
    await ports.reporter.step(
      title,
      async (progress) =>
        (await reuse?.({ digest: source.digest, select }, progress)) ??
        (await buildAndPublish(ports, project, { source, embedder, progress })),
    );
  // A vocabulary that is kept is read from the database; a configured or just loaded one from the download.
  const kept = plan.load === null && VOCABULARY_PATH === '';
  const manifest = kept
    ? await withDatabase(
        ports,
        project,
        command,
        async (database) => await using(await databaseSource(database, select), build),
      )
    : await using(await openSource(ports, project, select), build);
  return { plan, manifest };
}

/** Records a published build; once is enough. */
export async function recordBuild(database: Database, manifest: Manifest): Promise<void> {
  const { id, source, embedding, counts, lexical } = manifest;
  await database.query(
    `INSERT INTO index_build (index_build_id, source_digest, embedding_model, concepts, terms, manifest)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [id, source.digest, embedding.model, counts.concepts, lexical.terms, JSON.stringify(manifest)],
  );
}

async function migrateAndLoad(
  ports: Ports,
  project: Project,
  { plan, database }: { readonly plan: UpPlan; readonly database: Database },
): Promise<void> {
  if (plan.migrate !== null) {
    await ports.reporter.step(
      `Migrate the database (${plan.migrate})`,
      async () => await applyMigrations(ports, database),
    );
  }
  if (plan.load !== null) {
    await ports.reporter.step(`Load the vocabulary (${plan.load})`, async (progress) => {
      await using(await openSource(ports, project, []), async (source) => {
        await requireRoom(project, source);
        await loadVocabulary(database, source, progress);
      });
    });
  }
}

async function using<T>(
  source: VocabularySource,
  work: (source: VocabularySource) => Promise<T>,
): Promise<T> {
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
