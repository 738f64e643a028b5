// A build killed (SIGKILL) at a random moment and run again: what is done twice, and whether the files are those of a
// build that nobody killed (G10). No peer resumes.
// usage: node test/bench/kills.ts [--kills 20] [--concepts 60000] [--seed 1] [--busy]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { newProject, type TestProject } from '../support/cli.ts';
import { bytesOf } from '../support/index-rounds.ts';
import { randomFrom } from '../support/random.ts';
import { median } from './quantile.ts';
import { commonOptions, openSession } from './session.ts';
import { writeSyntheticVocabulary } from './synthetic-vocabulary.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    kills: { type: 'string', default: '20' },
    concepts: { type: 'string', default: '60000' },
    seed: { type: 'string', default: '1' },
  },
});
const count = Number(values.concepts);
const vocabulary = join(fileURLToPath(new URL('../../.bench/kills', import.meta.url)), `synthetic-${count}`);
await writeSyntheticVocabulary(vocabulary, count);
const random = randomFrom(Number(values.seed));
const session = await openSession('kills', values);
const build = ['index', 'build', '--vocabulary', vocabulary];

const calm: number[] = [];
let due = '';
for (let round = 0; round < 3; round += 1) {
  const project = await start();
  const { code, stderr, milliseconds } = await project.run(build, { timeout: 600_000 });
  if (code !== 0) throw new Error(stderr);
  calm.push(milliseconds / 1000);
  due = JSON.stringify(await bytesOf(project));
  await project.end();
}
const usual = median(calm);
const rows = {
  twice: session.row({
    goal: 'G10',
    metric: `build of ${count.toLocaleString('en')} concepts, hashing, killed at a random moment and resumed: seconds more than one that was not`,
    peer: '',
    unit: 's',
    measured: 's',
    target: { atMost: 5 },
    checked: 'checksums of every file and the manifest without its times',
  }),
  same: session.row({
    goal: 'G10',
    metric: 'files that differ from those of a build that was not killed',
    peer: '',
    unit: 'of 1',
    measured: 'builds',
    target: { atMost: 0 },
    checked: 'checksums of every file and the manifest without its times',
  }),
};
for (let kill = 0; kill < Number(values.kills); kill += 1) {
  const project = await start();
  const job = project.start(build, { timeout: 600_000 });
  await new Promise((resolve) => setTimeout(resolve, (0.05 + 0.9 * random()) * usual * 1000));
  job.child.kill('SIGKILL');
  const { milliseconds } = await job.done;
  const again = await project.run(build, { timeout: 600_000 });
  if (again.code !== 0) throw new Error(again.stderr);
  const both = (milliseconds + again.milliseconds) / 1000;
  rows.twice.round(both, usual, both - usual);
  rows.same.round(
    JSON.stringify(await bytesOf(project)) === due ? 0 : 1,
    null,
    JSON.stringify(await bytesOf(project)) === due ? 0 : 1,
  );
  await project.end();
}
session.finish();

async function start(): Promise<TestProject> {
  const project = await newProject({ FAISS_INDEX_PATH: 'index/dense.faiss' });
  await project.run(['init', '--yes', '--name', 'kills']);
  return project;
}
