import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvalReport } from '../../src/search/eval/report.ts';
import { killStrays, newProject, sample, type TestProject } from '../support/cli.ts';

let project: TestProject;
let count: number;
beforeAll(async () => {
  project = await newProject();
  const lines = (await readFile(join(sample, 'CONCEPT.csv'), 'utf8')).trim().split('\n').slice(1);
  const queries = lines.map((line, at) => {
    const [id, name] = line.split('\t');
    return `${name}\t${id}\t${at % 2 === 0 ? 'even' : 'odd & <b>'}`;
  });
  count = queries.length;
  await writeFile(join(project.folder, 'names.tsv'), `query\tconcept_id\tslice\n${queries.join('\n')}\n`);
  expect(await project.run(['init', '--yes', '--name', 'eval'])).toMatchObject({ code: 0 });
  expect(await project.run(['index', 'build'])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await killStrays();
});

describe('index eval', () => {
  it('writes its figures and a page', async () => {
    const args = ['index', 'eval', '--queries', 'names.tsv', '--tune', '--out', 'deep/report'];
    const { code, stdout, stderr } = await project.run(args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const folder = join(project.folder, 'deep/report');
    const figures = JSON.parse(await readFile(join(folder, 'eval.json'), 'utf8')) as EvalReport;
    expect(figures).toMatchObject({
      format: 1,
      file: 'names.tsv',
      queries: count,
      queries_in_file: count,
      absent: 0,
      words: 'sqlite-fts5',
      noise: ['none', 'typo', 'case', 'order', 'abbreviation'],
    });
    // A concept's own name finds it, whatever its case.
    for (const noise of ['none', 'case'])
      expect(
        figures.scores.find((one) => one.by === 'all' && one.noise === noise)?.arms.hybrid,
      ).toMatchObject({ recall_at_10: 1 });
    expect(figures.scores.filter(({ by, noise }) => by === 'file' && noise === 'none')).toHaveLength(2);
    expect(figures.latency.map(({ arm }) => arm)).toEqual(['bm25', 'dense', 'hybrid']);
    expect(figures.tuning?.held_out[0]?.queries).toBeGreaterThan(100);

    const page = await readFile(join(folder, 'eval.html'), 'utf8');
    expect(page).toContain(figures.build);
    expect(page).toContain('odd &amp; &lt;b&gt;');
    expect(page).not.toMatch(/NaN|undefined|<script/);

    expect(stdout).toContain('hybrid over the better arm');
    expect(stdout).toContain(join(folder, 'eval.html'));
    expect(stdout).toContain('not a setting yet');
  });

  it('asks a sample in the kinds of noise that are wanted', async () => {
    const args = ['index', 'eval', '--queries', 'names.tsv', '--sample', '50', '--noise', 'typo,none'];
    const { data } = (await project.json(args)) as { data: EvalReport };
    expect(data).toMatchObject({ noise: ['none', 'typo'], queries_in_file: count, tuning: null });
    expect(data.queries).toBeGreaterThanOrEqual(50);
    expect(data.queries).toBeLessThan(60);
  });

  it('knows no other noise', async () => {
    const answer = await project.json(['index', 'eval', '--queries', 'names.tsv', '--noise', 'none,rain']);
    expect(answer).toMatchObject({ code: 64, error: { code: 'USAGE' } });
    expect(answer.error?.message).toContain('rain');
  });
});
