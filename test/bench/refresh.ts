// A build after one name in a hundred has changed, beside a build of the same vocabulary from nothing, both by the
// command line, in turn (G9). The change is drawn at random in one row, and stands together in the other.
// usage: node test/bench/refresh.ts [--concepts 20000] [--model FOLDER --precision int8 --vocabulary PATH] [--rounds 5] [--busy]
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { newProject, type TestProject } from '../support/cli.ts';
import { bytesOf } from '../support/index-rounds.ts';
import { changeOnePercent, cutVocabulary } from './cut.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';
import { writeSyntheticVocabulary } from './synthetic-vocabulary.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    concepts: { type: 'string', default: '20000' },
    model: { type: 'string' },
    precision: { type: 'string' },
    vocabulary: { type: 'string' },
  },
});
const real = values.precision !== undefined;
const bench = real ? `refresh-${values.precision}` : 'refresh-hashing';
const name = real ? `${basename(values.model ?? 'a model')} ${values.precision}` : 'hashing';
const count = Number(values.concepts);
const { model: _, vocabulary: __, ...told } = values;
const session = await openSession(bench, { ...told, model: name });
const ways = ['random', 'together'] as const;
const head = (way: (typeof ways)[number]): RowHead => ({
  goal: 'G9',
  metric: `rebuild after 1 % of the names changed (${way === 'random' ? 'at random' : 'side by side'}), ${count.toLocaleString('en')} concepts, ${name}`,
  peer: 'our own build from nothing',
  unit: 'x',
  measured: 's',
  target: { atMost: 0.03 },
  checked: `the same checksums as the build from nothing${real ? ', but for the vectors' : ''}`,
});

if (real && (values.model === undefined || values.vocabulary === undefined)) {
  for (const way of ways)
    session.notRun(head(way), 'no model or no vocabulary given (--model FOLDER --vocabulary PATH)');
} else await compare();
session.finish();

async function compare(): Promise<void> {
  const folder = fileURLToPath(new URL('../../.bench/refresh', import.meta.url));
  const before = join(folder, `${real ? 'given' : 'synthetic'}-${count}`);
  if (real) await cutVocabulary(values.vocabulary ?? '', before, { concepts: count });
  else await writeSyntheticVocabulary(before, count);
  for (const way of ways) {
    const after = `${before}-${way}`;
    await changeOnePercent(before, after, way);
    const row = session.row(head(way));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const [kept, fresh] = [await project(), await project()];
      await build(kept, before);
      const again = await build(kept, after);
      const whole = await build(fresh, after);
      const sums = await Promise.all([sumsOf(kept), sumsOf(fresh)]);
      if (sums[0] !== sums[1]) throw new Error(`the rebuild differs: ${sums.join(' and ')}`);
      row.round(again, whole);
      await kept.end();
      await fresh.end();
    }
  }
}

/** A model's vectors differ in their last bits, with int8 in more, by what a text was embedded with. */
async function sumsOf(one: TestProject): Promise<string> {
  const { 'dense.faiss': dense, ...others } = (await bytesOf(one))['sums'] as Record<string, string>;
  return JSON.stringify(real ? others : { ...others, dense });
}

async function project(): Promise<TestProject> {
  const model = values.model ?? '';
  const env = real
    ? {
        EMBEDDING_MODEL: basename(model),
        EMBEDDING_PRECISION: values.precision ?? '',
        MODEL_DIR: dirname(model),
      }
    : {};
  const made = await newProject({ ...env, FAISS_INDEX_PATH: 'index/dense.faiss' });
  await made.run(['init', '--yes', '--name', 'refresh']);
  return made;
}

/** Seconds. */
async function build(into: TestProject, vocabulary: string): Promise<number> {
  const done = await into.run(['index', 'build', '--vocabulary', vocabulary], { timeout: 600_000 });
  if (done.code !== 0) throw new Error(done.stderr);
  return done.milliseconds / 1000;
}
