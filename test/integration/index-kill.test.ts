import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';
import { killStrays, newProject, type Started, type TestProject } from '../support/cli.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import {
  besideEngine,
  bytesOf,
  startApi,
  watchSearch,
  type Watcher,
  withEnvironment,
} from '../support/index-rounds.ts';
import { randomFrom } from '../support/random.ts';

const full = process.env['PORTIERE_TEST_FULL'] === '1';
const rounds = Number(process.env['PORTIERE_TEST_ROUNDS'] ?? (full ? 100 : 6));
const seed = Number(process.env['PORTIERE_TEST_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const concepts = 10_000;

const title = `kill -9 of job, API and Elasticsearch (${rounds} rounds, PORTIERE_TEST_SEED=${seed})`;
describe.skipIf(lackingElasticsearch !== undefined)(`${title}${lackingElasticsearch ?? ''}`, () => {
  let folder: string;
  let engine: TestElasticsearch;
  let project: TestProject;
  let api: Started;
  let watcher: Watcher;
  const vocabularies: string[] = [];
  /** What each vocabulary's build is, by a project in which nothing was killed. */
  const unkilled: Readonly<Record<string, unknown>>[] = [];
  let usual = 0;

  const build = (at: number): string[] => ['index', 'build', '--vocabulary', vocabularies[at] ?? ''];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portiere-index-kill-'));
    engine = await testElasticsearch();
    for (const at of [0, 1]) {
      const vocabulary = join(folder, `vocabulary-${at}`);
      await writeSyntheticVocabulary(vocabulary, concepts, at + 1);
      vocabularies.push(vocabulary);
    }
    const calm = await newProject();
    await calm.run(['init', '--yes', '--name', 'calm']);
    const alone = {
      env: { ...besideEngine(calm.folder, engine), ELASTICSEARCH_INDEX: 'calm' },
      timeout: 120_000,
    };
    for (const at of [0, 1]) {
      const { code, stderr, milliseconds } = await calm.run(build(at), alone);
      expect(code, stderr).toBe(0);
      usual = milliseconds;
      unkilled.push(await bytesOf(withEnvironment(calm, alone.env)));
    }
    await calm.end();

    const fresh = await newProject();
    project = withEnvironment(fresh, { ...besideEngine(fresh.folder, engine), ELASTICSEARCH_INDEX: 'kills' });
    await project.run(['init', '--yes', '--name', 'kills']);
    const first = await project.run(build(0), { timeout: 120_000 });
    expect(first.code, first.stderr).toBe(0);
    api = await startApi(project);
    watcher = watchSearch(`http://127.0.0.1:${project.port}`, [
      'fever',
      'acute chronic',
      'left of',
      'tablet',
    ]);
  }, 400_000);

  afterAll(async () => {
    await watcher?.stop();
    await killStrays();
    engine?.end();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'loses nothing, mixes nothing, and ends in the bytes of a calm build',
    async () => {
      const victims = ['job', 'api', 'elasticsearch'] as const;
      const met = { job: 0, api: 0, elasticsearch: 0 };
      for (let round = 0; round < rounds; round += 1) {
        const victim = victims[round % victims.length] ?? 'job';
        const at = (round + 1) % 2;
        const job = project.start(build(at), { timeout: 300_000 });
        const wait = 150 + random() * (usual - 150);
        const early = await Promise.race([job.done, sleep(wait)]);
        if (victim === 'job') job.child.kill('SIGKILL');
        if (victim === 'api') {
          api.child.kill('SIGKILL');
          await api.done;
          api = await startApi(project);
        }
        if (victim === 'elasticsearch') {
          engine.kill?.();
          await engine.start();
        }
        if (early === undefined) met[victim] += 1;
        const { code } = await job.done;
        if (victim === 'api') expect(code).toBe(0);
        if (code !== 0) {
          const again = await project.run(build(at), { timeout: 300_000 });
          expect(again.code, again.stderr).toBe(0);
        }
        const where = `round ${round}, ${victim} after ${Math.round(wait)} ms`;
        expect(await bytesOf(project), where).toEqual(unkilled[at]);
        const verified = await project.run(['index', 'verify']);
        expect(verified.code, `${where}: ${verified.stderr}`).toBe(0);
        const { data } = await project.json(['index', 'status']);
        expect(data.swap, where).toBeNull();
        expect(data.search_engine.alias, where).toEqual([`kills-${String(data.published).toLowerCase()}`]);
        expect(watcher.complaints, where).toEqual([]);
      }
      console.log(
        `killed in the middle: ${JSON.stringify(met)} of ${rounds}; ${watcher.answered} searches answered, ${watcher.refused} while the API was down`,
      );
      expect(watcher.answered).toBeGreaterThan(rounds);
    },
    rounds * 120_000,
  );
});

async function sleep(milliseconds: number): Promise<undefined> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return undefined;
}
