import { PortiereError } from '../errors.ts';
import { planUp, type UpPlan } from '../plan/rollout.ts';
import type { Outcome, Ports } from '../ports.ts';
import type { Manifest } from '../search/index/manifest.ts';
import { isStack, type Project, underLease } from './context.ts';
import { builderOf } from './embedder.ts';
import { healthView, probeStack } from './health.ts';
import { withDatabase } from './migrate.ts';
import { prepare, recordBuild } from './prepare.ts';
import { requireFreePort } from './serve.ts';
import { addressOf, loadServer } from './server-state.ts';
import { startServer, stopServer, waitReady } from './server-process.ts';
import { gatherFacts } from './up-facts.ts';
import type { StackUpOptions } from './stack/up.ts';
import { openProjectFor, type VocabularyOptions } from './vocabulary.ts';
import { thousands } from './thousands.ts';

type UpOptions = VocabularyOptions & StackUpOptions;

const readyWithin = 120;

/** Brings the embedded stack up: migrates, loads, builds what is missing or stale, starts, waits until ready. */
export async function up(ports: Ports, options: UpOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  if (isStack(project)) return await (await import('./stack/up.ts')).upStack(ports, options, project);
  const embedder = await builderOf(ports, project);
  try {
    if (options.dryRun === true) {
      return dryRun(planUp(await gatherFacts(ports, project, { embedder, database: undefined })));
    }
    return await underLease(ports, project, 'up', async () => {
      const server = await loadServer(ports, project);
      const { API_HOST, API_PORT } = project.config.settings;
      if (server?.alive !== true) await requireFreePort(ports, API_HOST, API_PORT);
      const { plan, manifest } = await prepare(ports, project, { embedder, command: 'up' });
      await settle(ports, project, plan, (options.timeout ?? readyWithin) * 1000);
      if (plan.build !== null) {
        await withDatabase(ports, project, 'up', async (database) => {
          await recordBuild(database, manifest);
        });
      }
      return await report(ports, project, plan, manifest);
    });
  } finally {
    await embedder.close();
  }
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
  const n = thousands;
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
