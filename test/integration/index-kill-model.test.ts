import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  download,
  hasDownload,
  killStrays,
  newProject,
  sample,
  type Started,
  type TestProject,
} from '../support/cli.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import {
  besideEngine,
  bytesOf,
  sinceKept,
  startApi,
  watchSearch,
  type Watcher,
  withEnvironment,
} from '../support/index-rounds.ts';
import { randomFrom } from '../support/random.ts';

const models = fileURLToPath(new URL('../../../shared/models', import.meta.url));
const kills = Number(process.env['PORTIERE_TEST_ROUNDS'] ?? 5);
const seed = Number(process.env['PORTIERE_TEST_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);

/** Why this cannot run here; undefined where it can. */
function lacking(): string | undefined {
  if (process.env['PORTIERE_TEST_FULL'] !== '1') return ' (SKIPPED: half an hour; set PORTIERE_TEST_FULL=1)';
  if (!hasDownload) return ' (SKIPPED: ../shared/data is absent)';
  if (!existsSync(models)) return ' (SKIPPED: ../shared/models is absent)';
  return lackingElasticsearch;
}

/** Stages that are hit: what their progress is counted in, their name in the report, and who is killed beside the job. */
const stages = [
  { unit: 'texts embedded', name: 'embedding', others: 'api' },
  { unit: 'concepts loaded into Elasticsearch', name: 'elasticsearch', others: 'elasticsearch' },
] as const;
/** A kill late in a stage finds it ended where the machine has become faster. */
const latest = 0.8;

const title = `kill -9 of a build with a model (${kills} kills, PORTIERE_TEST_SEED=${seed})`;
describe.skipIf(lacking() !== undefined)(`${title}${lacking() ?? ''}`, () => {
  let engine: TestElasticsearch;
  let project: TestProject;
  let api: Started;
  let watcher: Watcher;
  let unkilled: Readonly<Record<string, unknown>>;
  /** Milliseconds of a calm build's stages. */
  const usual: Record<string, number> = {};
  const build = ['index', 'build', '--vocabulary', download];

  beforeAll(async () => {
    engine = await testElasticsearch();
    const model = { MODEL_DIR: models, EMBEDDING_MODEL: 'all-MiniLM-L6-v2', EMBEDDING_PRECISION: 'int8' };
    const plain = await newProject();
    const calm = withEnvironment(plain, {
      ...besideEngine(plain.folder, engine),
      ...model,
      ELASTICSEARCH_INDEX: 'calm',
    });
    await calm.run(['init', '--yes', '--name', 'calm']);
    // Both begin with the same vectors kept: with int8 weights one depends on what it was embedded with.
    const before = await calm.run(['index', 'build', '--vocabulary', sample], { timeout: 120_000 });
    expect(before.code, before.stderr).toBe(0);
    const { data, error } = await calm.json(build, { timeout: 3_600_000 });
    expect(error).toBeUndefined();
    for (const { stage, seconds } of data.stages as { stage: string; seconds: number }[])
      usual[stage] = seconds * 1000;
    unkilled = await bytesOf(calm);
    await calm.end();

    const fresh = await newProject();
    project = withEnvironment(fresh, {
      ...besideEngine(fresh.folder, engine),
      ...model,
      ELASTICSEARCH_INDEX: 'kills',
    });
    await project.run(['init', '--yes', '--name', 'kills']);
    const first = await project.run(['index', 'build', '--vocabulary', sample], { timeout: 120_000 });
    expect(first.code, first.stderr).toBe(0);
    api = await startApi(project);
    watcher = watchSearch(`http://127.0.0.1:${project.port}`, ['fever', 'heart attack', 'kidney', 'tablet']);
  }, 3_600_000);

  afterAll(async () => {
    await watcher?.stop();
    await killStrays();
    engine?.end();
  });

  it('repeats at most 5 s of embedding and of loading, and ends in the bytes of a calm build', async () => {
    const embedding = Math.ceil(kills * 0.6);
    const told: string[] = [];
    let code: number | null = null;
    let job = project.start([...build, '--json'], { timeout: 3_600_000 });
    for (let round = 0; round < kills; round += 1) {
      // Embedding is nearly all of the time; the last kills hit the load.
      const { unit, name, share, others } =
        round < embedding ? { ...stages[0], share: latest / embedding } : { ...stages[1], share: latest };
      const victim = round % 2 === 0 ? 'job' : others;
      for (let more = 0; more < 3 && !(await reached(job, unit)); more += 1)
        job = project.start([...build, '--json'], { timeout: 3_600_000 });
      const wait = random() * share * (usual[name] ?? 0);
      await Promise.race([job.done, new Promise((resolve) => setTimeout(resolve, wait))]);
      const lost = await sinceKept(project.folder);
      if (victim === 'api') {
        api.child.kill('SIGKILL');
        await api.done;
        api = await startApi(project);
      } else if (victim === 'elasticsearch') {
        engine.kill?.();
        await engine.start();
      } else {
        job.child.kill('SIGKILL');
        expect(lost, `${unit}: milliseconds of work that were not kept`).toBeLessThan(5_000);
        await job.done;
      }
      told.push(`${victim} in "${unit}" after ${Math.round(wait)} ms (${Math.round(lost)} ms not kept)`);
    }
    ({ code } = await job.done);
    if (code !== 0) ({ code } = await project.run(build, { timeout: 3_600_000 }));
    console.log(`${told.join('; ')}; ${watcher.answered} searches answered, ${watcher.refused} refused`);
    expect(code).toBe(0);
    expect(await bytesOf(project)).toEqual(unkilled);
    const verified = await project.run(['index', 'verify'], { timeout: 600_000 });
    expect(verified.code, verified.stderr).toBe(0);
    const { data } = await project.json(['index', 'status']);
    expect(data.swap).toBeNull();
    expect(data.search_engine.alias).toEqual([`kills-${String(data.published).toLowerCase()}`]);
    expect(watcher.complaints).toEqual([]);
  }, 7_200_000);
});

/** Waits until a job tells of a stage; false where it ended before. */
async function reached(job: Started, stage: string): Promise<boolean> {
  const told = (): boolean => job.stderr().includes(`"unit":"${stage}"`);
  while (!told()) {
    if (job.child.exitCode !== null || job.child.signalCode !== null) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return job.child.exitCode === null && job.child.signalCode === null;
}
