import { PortiereError } from '../errors.ts';
import { planUp, type UpPlan } from '../plan/rollout.ts';
import type { Database, Outcome, Ports } from '../ports.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import type { Manifest } from '../search/index/manifest.ts';
import { loadVocabulary } from '../search/populate/load-vocabulary.ts';
import { databaseSource } from '../search/populate/database-source.ts';
import type { VocabularySource } from '../search/vocabulary/source.ts';
import { buildAndPublish, publishedManifest } from './build-index.ts';
import { type Project, requireEmbedded, underLease } from './context.ts';
import { embedderOf } from './embedder.ts';
import { healthView, probeStack } from './health.ts';
import { applyMigrations, withDatabase } from './migrate.ts';
import { requireRoom } from './require-room.ts';
import { requireFreePort } from './serve.ts';
import { addressOf, loadServer } from './server-state.ts';
import { startServer, stopServer, waitReady } from './server-process.ts';
import { gatherFacts } from './up-facts.ts';
import { openProjectFor, openSource, type VocabularyOptions } from './vocabulary.ts';

const readyWithin = 120;

/** Brings the embedded stack up: migrates, loads, builds what is missing or stale, starts, waits until ready. */
export async function up(ports: Ports, options: VocabularyOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  requireEmbedded(project, 'up');
  const embedder = await embedderOf(ports, project);
  try {
    if (options.dryRun === true) {
      return dryRun(planUp(await gatherFacts(ports, project, { embedder, database: undefined })));
    }
    return await underLease(ports, project, 'up', async () => {
      const server = await loadServer(ports, project);
      const { API_HOST, API_PORT } = project.config.settings;
      if (server?.alive !== true) await requireFreePort(ports, API_HOST, API_PORT);
      const { plan, manifest } = await prepare(ports, project, embedder);
      await settle(ports, project, plan, (options.timeout ?? readyWithin) * 1000);
      if (plan.build !== null) {
        await inDatabase(ports, project, async (database) => {
          await recordBuild(database, manifest);
        });
      }
      return await report(ports, project, plan, manifest);
    });
  } finally {
    await embedder.close();
  }
}

/**
 * Everything before the server, each part only where the plan has a cause for it. The database is closed while the
 * index is built from a download: an embedded one would hold some 0.5 GB for nothing.
 */
async function prepare(
  ports: Ports,
  project: Project,
  embedder: Embedder,
): Promise<{ readonly plan: UpPlan; readonly manifest: Manifest }> {
  const plan = await inDatabase(ports, project, async (database) => {
    const decided = planUp(await gatherFacts(ports, project, { embedder, database }));
    if (decided.migrate !== null) {
      await ports.reporter.step(
        `Migrate the database (${decided.migrate})`,
        async () => await applyMigrations(ports, database),
      );
    }
    if (decided.load !== null) {
      await ports.reporter.step(`Load the vocabulary (${decided.load})`, async (progress) => {
        await using(await openSource(ports, project, []), async (source) => {
          await requireRoom(project, source);
          await loadVocabulary(database, source, progress);
        });
      });
    }
    return decided;
  });
  if (plan.build === null) return { plan, manifest: (await publishedManifest(project)) as Manifest };
  const title = `Build the index with ${embedder.identity.model} (${plan.build})`;
  const build = async (source: VocabularySource): Promise<Manifest> =>
    await ports.reporter.step(
      title,
      async (progress) => await buildAndPublish(ports, project, { source, embedder, progress }),
    );
  const select = project.config.settings.VOCABULARIES;
  // A vocabulary that is kept is read from the database; a configured or just loaded one from the download.
  const kept = plan.load === null && project.config.settings.VOCABULARY_PATH === '';
  const manifest = kept
    ? await inDatabase(
        ports,
        project,
        async (database) => await using(await databaseSource(database, select), build),
      )
    : await using(await openSource(ports, project, select), build);
  return { plan, manifest };
}

async function inDatabase<T>(
  ports: Ports,
  project: Project,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  return await withDatabase(ports, project, 'up', work);
}

async function recordBuild(database: Database, manifest: Manifest): Promise<void> {
  const { id, source, embedding, counts, lexical } = manifest;
  await database.query(
    `INSERT INTO index_build (index_build_id, source_digest, embedding_model, concepts, terms, manifest)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [id, source.digest, embedding.model, counts.concepts, lexical.terms, JSON.stringify(manifest)],
  );
}

/** Starts the server, restarts it where its settings changed, and waits until it answers from the published build. */
async function settle(ports: Ports, project: Project, plan: UpPlan, timeout: number): Promise<void> {
  if (plan.stop !== null) {
    const { API_HOST, API_PORT } = project.config.settings;
    const before = (await loadServer(ports, project))?.state.url;
    // A new address that is taken must not cost the server that still answers at the old one.
    if (before !== addressOf(API_HOST, API_PORT)) await requireFreePort(ports, API_HOST, API_PORT);
    await ports.reporter.step(`Stop the server (${plan.stop})`, async () => await stopServer(ports, project));
    await requireFreePort(ports, API_HOST, API_PORT);
  }
  const running = await loadServer(ports, project);
  const title =
    plan.start === null ? 'Wait until the search API is ready' : `Start the search API (${plan.start})`;
  await ports.reporter.step(title, async (progress) => {
    // One may have come up since the plan was made: that of an `up` which was killed after starting it.
    if (running?.alive === true) {
      await waitReady(ports, project, { process: running.state, timeout, progress });
      return;
    }
    const process = await startServer(ports, project);
    try {
      await waitReady(ports, project, { process, timeout, progress });
    } catch (error) {
      // Who interrupts `up` wants nothing of it left; after a timeout the server may still get there.
      if (ports.caller.interrupted.aborted) await stopServer(ports, project);
      throw error;
    }
  });
}

async function report(ports: Ports, project: Project, plan: UpPlan, manifest: Manifest): Promise<Outcome> {
  const { seen, verdict } = await probeStack(ports, project, 10_000);
  if (verdict.status === 'down') {
    throw new PortiereError('UNHEALTHY', `The stack is up but not healthy: ${verdict.cause}`, {
      hint: verdict.hint,
    });
  }
  const url = seen.server?.url ?? '';
  const { counts, embedding, source } = manifest;
  const n = (value: number): string => value.toLocaleString('en-US');
  return {
    data: {
      environment: project.config.environment,
      url,
      build: manifest.id,
      plan,
      counts,
      embedding,
      health: verdict,
    },
    view: [
      ...healthView(project, verdict),
      `${n(counts.concepts)} concepts and ${n(counts.synonyms)} synonyms of ${source.label}\n` +
        `vectors: ${embedding.provider === 'hashing' ? 'hashing (no model: they see spelling, not meaning)' : embedding.model}\n` +
        `search API: ${url}/v1/search?q=heart+attack`,
    ],
  };
}

function dryRun(plan: UpPlan): Outcome {
  const steps = Object.entries(plan).filter(([, cause]) => cause !== null);
  return {
    data: { plan, changes: steps.length },
    view: [
      steps.length === 0
        ? 'Nothing to do: everything is up to date.'
        : { header: ['would', 'because'], rows: steps.map(([step, cause]) => [step, cause ?? '']) },
    ],
  };
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
