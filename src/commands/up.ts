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
import { applyMigrations } from './migrate.ts';
import { requireFreePort } from './serve.ts';
import { loadServer } from './server-state.ts';
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
    if (options.dryRun === true) return dryRun(await decide(ports, project, embedder, undefined));
    return await underLease(ports, project, 'up', async () => {
      const server = await loadServer(ports, project);
      const { API_HOST, API_PORT } = project.config.settings;
      if (server?.alive !== true) await requireFreePort(ports, API_HOST, API_PORT);
      const { plan, manifest } = await prepare(ports, project, embedder);
      await settle(ports, project, plan, (options.timeout ?? readyWithin) * 1000);
      return await report(ports, project, plan, manifest);
    });
  } finally {
    await embedder.close();
  }
}

/** Everything before the server, each part only where the plan has a cause for it. */
async function prepare(
  ports: Ports,
  project: Project,
  embedder: Embedder,
): Promise<{ readonly plan: UpPlan; readonly manifest: Manifest }> {
  const database = await ports.reporter.step(
    'Open the database',
    async () => await ports.databases.connect(project.database, { command: 'up', timeout: 20_000 }),
  );
  try {
    const plan = await decide(ports, project, embedder, database);
    if (plan.migrate !== null) {
      await ports.reporter.step(
        `Migrate the database (${plan.migrate})`,
        async () => await applyMigrations(ports, database),
      );
    }
    if (plan.load !== null) {
      await ports.reporter.step(`Load the vocabulary (${plan.load})`, async (progress) => {
        await using(await openSource(ports, project, []), async (source) => {
          await loadVocabulary(database, source, progress);
        });
      });
    }
    const manifest = plan.build === null ? undefined : await build(ports, project, { embedder, database, plan });
    return { plan, manifest: manifest ?? ((await publishedManifest(project)) as Manifest) };
  } finally {
    await database.close();
  }
}

async function decide(
  ports: Ports,
  project: Project,
  embedder: Embedder,
  database: Database | undefined,
): Promise<UpPlan> {
  return planUp(await gatherFacts(ports, project, { embedder, database }));
}

async function build(
  ports: Ports,
  project: Project,
  { embedder, database, plan }: { readonly embedder: Embedder; readonly database: Database; readonly plan: UpPlan },
): Promise<Manifest> {
  const select = project.config.settings.VOCABULARIES;
  // What was just loaded is read from the download again, which is quicker; a vocabulary that is kept, from the database.
  const source =
    plan.load !== null || project.config.settings.VOCABULARY_PATH !== ''
      ? await openSource(ports, project, select)
      : await databaseSource(database, select);
  const built = await using(
    source,
    async () =>
      await ports.reporter.step(
        `Build the index with ${embedder.identity.model} (${plan.build ?? ''})`,
        async (progress) => await buildAndPublish(ports, project, { source, embedder, progress }),
      ),
  );
  await recordBuild(database, built);
  return built;
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
    await ports.reporter.step(`Stop the server (${plan.stop})`, async () => await stopServer(ports, project));
    await requireFreePort(ports, API_HOST, API_PORT);
  }
  const running = (await loadServer(ports, project))?.state;
  const title = plan.start === null ? 'Wait until the search API is ready' : `Start the search API (${plan.start})`;
  await ports.reporter.step(title, async (progress) => {
    const process = plan.start === null && running !== undefined ? running : await startServer(ports, project);
    await waitReady(ports, project, { process, timeout, progress });
  });
}

async function report(ports: Ports, project: Project, plan: UpPlan, manifest: Manifest): Promise<Outcome> {
  const { seen, verdict } = await probeStack(ports, project, 10_000);
  if (verdict.status === 'down') {
    throw new PortiereError('UNHEALTHY', `The stack is up but not healthy: ${verdict.cause}`, { hint: verdict.hint });
  }
  const url = seen.server?.url ?? '';
  const { counts, embedding, source } = manifest;
  const n = (value: number): string => value.toLocaleString('en-US');
  return {
    data: { environment: project.config.environment, url, build: manifest.id, plan, counts, embedding, health: verdict },
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

async function using<T>(source: VocabularySource, work: (source: VocabularySource) => Promise<T>): Promise<T> {
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
