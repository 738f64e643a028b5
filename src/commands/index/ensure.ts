import { isDeepStrictEqual } from 'node:util';

import { PortiereError } from '../../errors.ts';
import { planUp, type UpPlan } from '../../plan/rollout.ts';
import type { Outcome, Ports } from '../../ports.ts';
import type { EmbedderIdentity } from '../../search/embed/embedder.ts';
import type { Manifest } from '../../search/index/manifest.ts';
import { sameModel } from '../../search/index/open.ts';
import { keptBuilds } from './builds.ts';
import { insideStack } from '../inside.ts';
import { denseWish, publishBuild } from './publish.ts';
import { type Project, underLease } from '../context.ts';
import { builderOf } from '../embedder.ts';
import { summary } from './build.ts';
import { withDatabase } from '../migrate.ts';
import { prepare, recordBuild, type Wanted } from '../prepare.ts';
import { withSearchEngine } from '../search-engine.ts';
import { gatherFacts } from '../up-facts.ts';
import { vectorServer } from '../vector-server.ts';
import { openProjectFor, vocabularyInside, type VocabularyOptions } from '../vocabulary.ts';

/** A killed job's lease on the index volume is believed for 30 s. */
const lockPatience = 45_000;
const lockLook = 2_000;

/**
 * Brings everything that is searched to what is configured, and does only what is missing: migrations, the
 * vocabulary in Postgres, the index, its copy in the search engine, the published pointer. Killed at any point, the
 * next one goes on; a build that was complete is not made again.
 */
export async function ensureIndex(ports: Ports, options: VocabularyOptions): Promise<Outcome> {
  const project = await openProjectFor(ports, options);
  const request = { argv: ['index', 'ensure'], changes: true, ...vocabularyInside(project) };
  const elsewhere = await insideStack(ports, options, { project, request });
  if (elsewhere !== undefined) return elsewhere;
  const embedder = await builderOf(ports, project);
  try {
    if (options.dryRun === true) {
      return await withDatabase(ports, project, 'index ensure', async (database) =>
        dryRun(planUp(await gatherFacts(ports, project, { embedder, database }))),
      );
    }
    return await patiently(
      ports,
      async () =>
        await underLease(ports, project, 'index ensure', async () => {
          const { plan, manifest } = await prepare(ports, project, {
            embedder,
            command: 'index ensure',
            reuse: async (wanted, progress) => {
              const fitting = await completeBuild(project, wanted, embedder.identity);
              if (fitting === undefined) return undefined;
              await withSearchEngine(
                ports,
                project,
                async (engine) => await publishBuild(ports, project, { manifest: fitting, engine, progress }),
              );
              return fitting;
            },
          });
          const loaded = plan.build === null && (await loadEngine(ports, project, manifest));
          await withDatabase(ports, project, 'index ensure', async (database) => {
            await recordBuild(database, manifest);
          });
          return outcome(plan, manifest, loaded);
        }),
    );
  } finally {
    await embedder.close();
  }
}

/** The search engine may have lost what the index volume still holds; true where it was loaded. */
async function loadEngine(ports: Ports, project: Project, manifest: Manifest): Promise<boolean> {
  return await withSearchEngine(
    ports,
    project,
    async (engine) =>
      (engine !== undefined || vectorServer(project.config.settings) !== undefined) &&
      (await ports.reporter.step(
        `Compare the search engine with build ${manifest.id}`,
        async (progress) => await publishBuild(ports, project, { manifest, engine, progress }),
      )),
  );
}

/** The newest complete build of the same vocabulary, selection and model: one that was killed before it was published. */
async function completeBuild(
  project: Project,
  { digest, select }: Wanted,
  identity: EmbedderIdentity,
): Promise<Manifest | undefined> {
  for (const manifest of (await keptBuilds(project)).toReversed()) {
    const fits =
      manifest.source.digest === digest &&
      isDeepStrictEqual(manifest.source.select.toSorted(), select.toSorted()) &&
      isDeepStrictEqual(manifest.dense.wish, denseWish(project)) &&
      sameModel(manifest.embedding, identity);
    if (fits) return manifest;
  }
  return undefined;
}

/** Waits for another job's lease, or a dead one's to expire, before it gives up. */
async function patiently<T>(ports: Ports, work: () => Promise<T>): Promise<T> {
  const end = ports.clock.elapsed() + lockPatience;
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      const locked = error instanceof PortiereError && error.code === 'LOCKED';
      if (!locked || ports.clock.elapsed() > end || ports.caller.interrupted.aborted) throw error;
      if (!told) ports.reporter.note(`Waiting: ${error.message}`);
      await ports.clock.sleep(lockLook);
    }
  }
}

function dryRun({ migrate, load, build }: UpPlan): Outcome {
  const steps = Object.entries({ migrate, load, build }).filter(([, cause]) => cause !== null);
  return {
    data: { plan: { migrate, load, build }, changes: steps.length },
    view: [
      steps.length === 0
        ? 'Nothing to do: everything is up to date; the search engine would be compared with the build.'
        : { header: ['would', 'because'], rows: steps.map(([step, cause]) => [step, cause ?? '']) },
    ],
  };
}

function outcome({ migrate, load, build }: UpPlan, manifest: Manifest, loaded: boolean): Outcome {
  const nothing = !loaded && [migrate, load, build].every((cause) => cause === null);
  const told = loaded ? `Loaded build ${manifest.id} into the search engine again.` : summary(manifest);
  return {
    data: {
      build: manifest.id,
      plan: { migrate, load, build },
      search_engine_loaded: loaded,
      nothing_to_do: nothing,
    },
    view: [nothing ? `Nothing to do: build ${manifest.id} is published.` : told],
  };
}
