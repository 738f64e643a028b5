import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';
import { killStrays, newProject, type TestProject, until } from '../support/cli.ts';
import { type TestCluster, testCluster } from '../support/elasticsearch-cluster.ts';
import { besideEngine, startApi } from '../support/index-rounds.ts';
import { images, stackMissing } from '../support/stacks.ts';

const full = process.env['PORTIERE_TEST_FULL'] === '1';
const lacking =
  stackMissing === '' && images()['elasticsearch'] !== undefined
    ? full
      ? ''
      : ' (skipped: three nodes take minutes; PORTIERE_TEST_FULL=1 runs it)'
    : ` (skipped: no image elasticsearch in .images.yaml, ${stackMissing || 'npm run images'})`;
const concepts = 12_000;
/** Milliseconds after the loss of a node within which an arm may be missing from answers. */
const failover = 10_000;

describe.skipIf(lacking !== '')(`three nodes of Elasticsearch${lacking}`, () => {
  let folder: string;
  let cluster: TestCluster;
  let project: TestProject;
  let build: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portiere-cluster-'));
    await writeSyntheticVocabulary(join(folder, 'vocabulary'), concepts, 1);
    cluster = await testCluster();
    const plain = await newProject();
    const env = {
      ...besideEngine(plain.folder, { url: '', login: {} } as never),
      ELASTICSEARCH_URL: cluster.nodes.map(({ url }) => url).join(','),
      ELASTICSEARCH_INDEX: 'cluster',
      DENSE_ENGINE: 'elasticsearch',
    };
    project = {
      ...plain,
      run: async (args, options) => await plain.run(args, { ...options, env }),
      start: (args, options) => plain.start(args, { ...options, env }),
      json: async (args, options) => await plain.json(args, { ...options, env }),
    };
    await project.run(['init', '--yes', '--name', 'cluster']);
  }, 400_000);
  afterAll(async () => {
    await killStrays();
    cluster?.end();
    await project?.end();
    await rm(folder, { recursive: true, force: true });
  });

  it('lose nothing of a load where the one that holds it is killed', async () => {
    const started = project.start(['index', 'build', '--vocabulary', join(folder, 'vocabulary'), '--json'], {
      timeout: 400_000,
    });
    let index = '';
    const written = async (): Promise<number> => {
      const { indices } = await cluster.ask('/cluster-*-vectors/_stats/indexing');
      index = Object.keys(indices)[0] ?? '';
      return indices[index]?.primaries.indexing.index_total ?? 0;
    };
    await until('vectors are being loaded', async () => (await written().catch(() => 0)) > 1_000, 300_000);
    const before = await written();
    const victim = await cluster.holderOf(index);
    cluster.kill(victim);
    const start = performance.now();
    const { code, stdout, stderr } = await started.done;
    expect(code, stderr).toBe(0);
    const { data } = JSON.parse(stdout) as { data: { id: string; dense: { count: number } } };
    build = data.id;
    expect(before).toBeLessThan(data.dense.count);
    const seconds = (performance.now() - start) / 1_000;
    console.log(`killed after ${before} of ${data.dense.count} vectors; built ${seconds.toFixed(1)} s later`);
    // Every document, by id and content, of words and vectors.
    const verified = await project.run(['index', 'verify'], { timeout: 120_000 });
    expect(verified.code, verified.stderr).toBe(0);
    await cluster.revive(victim);
    expect((await project.run(['index', 'verify'], { timeout: 120_000 })).code).toBe(0);
  }, 900_000);

  it.each(['that holds the vectors', 'that leads the others'])(
    'answer on where the one %s is killed',
    async (which) => {
      const api = await startApi(project);
      const url = `http://127.0.0.1:${project.port}`;
      const queries = ['fever', 'acute pain', 'chronic of left', 'oral tablet 100'];
      const known = new Map<string, string>();
      const answers: { at: number; took: number; arms: number; empty: boolean; same: boolean }[] = [];
      const failed: unknown[] = [];
      const stop = new AbortController();
      const start = performance.now();
      const client = async (offset: number): Promise<void> => {
        for (let turn = offset; !stop.signal.aborted; turn += 1) {
          const q = queries[turn % queries.length] ?? '';
          const at = performance.now() - start;
          try {
            const answer = await fetch(`${url}/v1/search?q=${encodeURIComponent(q)}&limit=20`, {
              signal: AbortSignal.timeout(5_000),
            });
            const body = (await answer.json()) as { arms: string[]; hits: { concept_id: number }[] };
            if (answer.status !== 200) throw new Error(`${answer.status}`);
            const ids = body.hits.map(({ concept_id }) => concept_id).join();
            if (body.arms.length === 4 && !known.has(q)) known.set(q, ids);
            const same = body.arms.length < 4 || known.get(q) === ids;
            const empty = body.hits.length === 0;
            answers.push({ at, took: performance.now() - start - at, arms: body.arms.length, empty, same });
          } catch (error) {
            failed.push(error);
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const clients = [0, 1, 2, 3].map(async (offset) => {
        await client(offset);
      });
      await until('searches are answered', () => answers.length > 100, 60_000);
      const victim = await (which === 'that holds the vectors'
        ? cluster.holderOf(`cluster-${build.toLowerCase()}-vectors`)
        : cluster.master());
      const killed = performance.now() - start;
      cluster.kill(victim);
      await new Promise((resolve) => setTimeout(resolve, failover + 10_000));
      stop.abort();
      await Promise.all(clients);
      const after = answers.filter(({ at, took }) => at + took > killed);
      const lame = after.filter(({ arms }) => arms < 4);
      const last = Math.max(0, ...lame.map(({ at, took }) => at + took - killed));
      const slowest = Math.max(...after.map(({ took }) => took));
      const reasons = [...api.stderr().matchAll(/Elasticsearch at [^"\\]{0,160}/g)].map(([text]) => text);
      console.log(
        `the node ${which}: ${answers.length} answers, ${after.length} after the kill, ${lame.length} of them without an arm (the last ${last.toFixed(0)} ms after it), slowest ${slowest.toFixed(0)} ms, ${failed.length} failed; ${[...new Set(reasons)].join(' | ')}`,
      );
      await cluster.revive(victim);
      api.child.kill('SIGTERM');
      await api.done;
      expect(failed).toEqual([]);
      expect(answers.filter(({ at, empty }) => empty && (at < killed || at > killed + failover))).toEqual([]);
      expect(answers.every(({ same }) => same)).toBe(true);
      expect(last).toBeLessThan(failover);
      expect(slowest).toBeLessThan(3_000);
      expect((await project.run(['index', 'verify'], { timeout: 120_000 })).code).toBe(0);
    },
    400_000,
  );
});
