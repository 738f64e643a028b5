import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { writeSyntheticVocabulary } from '../bench/synthetic-vocabulary.ts';
import { killStrays, newProject, type TestProject, until } from '../support/cli.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import { besideEngine, startApi } from '../support/index-rounds.ts';
import { mostSearches, searchesBeside } from '../support/searches-beside.ts';

const full = process.env['PORTIERE_TEST_FULL'] === '1';
const swaps = full ? 10 : 4;
const concepts = full ? 50_000 : 5_000;
/** Of the measurement without swaps. */
const seconds = full ? 60 : 10;

describe.skipIf(lackingElasticsearch !== undefined)(`swaps under load${lackingElasticsearch ?? ''}`, () => {
  let folder: string;
  let engine: TestElasticsearch;
  let project: TestProject;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portiere-index-swap-'));
    engine = await testElasticsearch({ fast: full });
    project = await newProject();
    const env = { ...besideEngine(project.folder, engine), ELASTICSEARCH_INDEX: 'swaps' };
    const plain = project;
    project = {
      ...plain,
      run: async (args, options) => await plain.run(args, { ...options, env }),
      start: (args, options) => plain.start(args, { ...options, env }),
      json: async (args, options) => await plain.json(args, { ...options, env }),
    };
    await project.run(['init', '--yes', '--name', 'swaps']);
    for (const seed of [1, 2]) {
      const vocabulary = join(folder, `vocabulary-${seed}`);
      await writeSyntheticVocabulary(vocabulary, concepts, seed);
      const built = await project.run(['index', 'build', '--vocabulary', vocabulary], { timeout: 300_000 });
      expect(built.code, built.stderr).toBe(0);
    }
    await startApi(project);
  }, 600_000);
  afterAll(async () => {
    await killStrays();
    engine?.end();
    await rm(folder, { recursive: true, force: true });
  });

  it('drop no request and answer none with nothing', async () => {
    const url = `http://127.0.0.1:${project.port}`;
    const { data } = await project.json(['index', 'list']);
    const ids = (data.builds as { id: string }[]).map(({ id }) => id);
    const pause = async (milliseconds: number) =>
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const swapEach = async (interval: number) => {
      for (let at = 0; at < swaps; at += 1) {
        const next = pause(interval);
        const id = ids[at % 2] ?? '';
        const swapped = await project.run(['index', 'rollback', id]);
        expect(swapped.code, swapped.stderr).toBe(0);
        await until(
          `build ${id} answers`,
          async () => {
            await pause(100);
            const answer = await fetch(`${url}/v1/search?q=acute`);
            return ((await answer.json()) as { build?: string }).build === id;
          },
          30_000,
        );
        await pause(1_000);
        await next;
      }
    };
    // Programs that have run for a while are compared, not those whose code is still being compiled.
    const warm = await searchesBeside(url, { rate: 30, seconds: 1, work: async () => await swapEach(0) });
    const most = await mostSearches(url, full ? 30 : 5);
    const rate = Math.min(100, most / 2);
    if (full) await pause(12_000);
    const idle = await searchesBeside(url, { rate, seconds });
    const measured = [];
    // What was open before is given back ten seconds after a swap: only then is it over.
    for (const interval of full ? [12_000, 0] : [0]) {
      const busy = await searchesBeside(url, {
        rate,
        seconds: 1,
        work: async () => await swapEach(interval),
      });
      measured.push({ interval, busy });
    }
    const told = ({ sent, p50, p99, worst }: typeof idle): string =>
      `${sent} sent, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(0)} ms`;
    console.log(
      `at ${rate.toFixed(0)}/s (at most ${most.toFixed(0)}/s): idle ${told(idle)}`,
      ...measured.map(
        ({ interval, busy }) =>
          `\n${swaps} swaps ${interval > 0 ? `every ${interval / 1000} s` : 'in a row'}: ${told(busy)}; p99 x ${(busy.p99 / idle.p99).toFixed(2)}`,
      ),
    );
    for (const { failed, empty } of [warm, ...measured.map(({ busy }) => busy)])
      expect({ failed, empty }).toEqual({ failed: [], empty: 0 });
  }, 600_000);
});
