import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvalReport, SliceScores } from '../../src/search/eval/report.ts';
import { download, hasDownload, killStrays, newProject, type TestProject } from '../support/cli.ts';

// Labelled queries beside the download: each file is asked in part, of vectors by hashing, so that it takes a minute.
const folder = join(dirname(download), 'eval');
const files = hasDownload && existsSync(folder) ? await readdir(folder) : [];
const asked = '250';
const none = files.length === 0 ? ` (skipped: no download with labelled queries at ${folder})` : '';

describe.skipIf(none !== '')(`the search on labelled queries${none}`, () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await newProject({ VOCABULARY_PATH: download });
    expect(await project.run(['init', '--yes', '--name', 'quality'])).toMatchObject({ code: 0 });
    expect(await project.run(['index', 'build'], { timeout: 120_000 })).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await killStrays();
    await project.end();
  });

  it.each(files)('finds more than the better arm and rank fusion: %s', async (file) => {
    const args = ['index', 'eval', '--queries', join(folder, file), '--sample', asked];
    const { data } = (await project.json([...args, '--noise', 'none,typo'], { timeout: 200_000 })) as {
      data: EvalReport;
    };
    const at10 = ({ arms, peers, union }: SliceScores) => ({
      hybrid: arms.hybrid.recall_at_10,
      arm: Math.max(arms.bm25.recall_at_10, arms.dense.recall_at_10),
      rrf: peers.rrf?.recall_at_10 ?? 1,
      charGrams: peers.char_grams?.recall_at_10 ?? 1,
      union: union.recall_at_10,
    });
    const whole = data.scores.filter(({ by }) => by === 'all');
    expect(whole.map(({ noise }) => noise)).toEqual(['none', 'typo']);
    for (const one of whole) {
      const { hybrid, arm, rrf, charGrams, union } = at10(one);
      expect(hybrid).toBeGreaterThan(arm);
      expect(hybrid).toBeGreaterThan(rrf);
      // Vectors by hashing know spelling alone, as these do: no more than keeping up can be asked of them.
      expect(hybrid).toBeGreaterThan(charGrams - 0.02);
      expect(union).toBeGreaterThanOrEqual(arm);
    }
    const told = data.scores.flatMap((one) => (one.gain === null ? [] : [one]));
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.filter(({ gain }) => gain?.verdict === 'behind')).toEqual([]);
  });
});
