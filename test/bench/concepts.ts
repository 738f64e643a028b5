// Rows a second of CONCEPT.csv, every field checked, beside Python's csv module, in turn on the same files (G17):
// as Athena writes it (tabs, no quotes) and as comma file with every text quoted.
// usage: node test/bench/concepts.ts [--concepts 500000] [--rounds 5] [--busy]
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import type { Anomalies } from '../../src/search/vocabulary/anomalies.ts';
import { openBundle } from '../../src/search/vocabulary/bundle.ts';
import { readConcepts } from '../../src/search/vocabulary/read.ts';
import { lacking, python } from './peer.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';
import { writeSyntheticVocabulary } from './synthetic-vocabulary.ts';

const { values } = parseArgs({
  options: { ...commonOptions, concepts: { type: 'string', default: '500000' } },
});
const count = Number(values.concepts);
const root = fileURLToPath(new URL('../../.bench/concepts', import.meta.url));
const tabs = join(root, `tabs-${count}`);
const commas = join(root, `commas-${count}`);
await prepare();

interface Read {
  readonly rows: number;
  /** Of the ids. */
  readonly sum: number;
  readonly seconds: number;
}

const session = await openSession('concepts', values);
const peerScript = fileURLToPath(new URL('concepts_peer.py', import.meta.url));
const absent = lacking('csv');
for (const [folder, form] of [
  [tabs, 'tabs'],
  [commas, 'commas, every text quoted'],
] as const) {
  const head: RowHead = {
    goal: 'G17',
    metric: `CONCEPT.csv of ${count.toLocaleString('en')} rows, ${form}: rows a second, checked and typed`,
    peer: 'Python csv, split and counted only',
    unit: 'x',
    measured: 'rows/s',
    target: { atLeast: 2 },
    checked: 'rows and the sum of their ids',
  };
  if (absent !== undefined) {
    session.notRun(head, absent);
    continue;
  }
  session.version('Python', execFileSync(python, ['-V'], { encoding: 'utf8' }).trim().replace('Python ', ''));
  const row = session.row(head);
  row.note(
    'each field is checked and becomes a text of its own, dates in one form; a row with anything odd in it is read again, carefully',
  );
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const own = await ours(folder);
    const csv = JSON.parse(
      execFileSync(python, [peerScript, join(folder, 'CONCEPT.csv'), form === 'tabs' ? 'tab' : 'comma'], {
        encoding: 'utf8',
      }),
    ) as Read;
    if (own.rows !== count || csv.rows !== count || own.sum !== csv.sum)
      throw new Error(JSON.stringify({ own, csv }));
    if (round >= 0) row.round(own.rows / own.seconds, csv.rows / csv.seconds);
  }
}
session.finish();

async function ours(folder: string): Promise<Read> {
  const start = performance.now();
  const bundle = await openBundle(folder);
  const anomalies: Anomalies = new Map();
  let [rows, sum] = [0, 0];
  for await (const batch of readConcepts(bundle, { anomalies })) {
    rows += batch.length;
    for (const { concept_id } of batch) sum += concept_id;
  }
  await bundle.close();
  return { rows, sum, seconds: (performance.now() - start) / 1000 };
}

async function prepare(): Promise<void> {
  if (!existsSync(tabs)) {
    await mkdir(root, { recursive: true });
    await writeSyntheticVocabulary(`${tabs}.part`, count);
    await rename(`${tabs}.part`, tabs);
  }
  if (existsSync(commas)) return;
  await mkdir(`${commas}.part`, { recursive: true });
  const lines = createInterface(createReadStream(join(tabs, 'CONCEPT.csv')));
  await pipeline(Readable.from(quoted(lines)), createWriteStream(join(`${commas}.part`, 'CONCEPT.csv')));
  await rename(`${commas}.part`, commas);
}

/** Some names hold commas and quotes, which quoting is there for. */
async function* quoted(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let [page, at] = ['', 0];
  for await (const line of lines) {
    const fields = line.split('\t');
    if (at > 0 && at % 10 === 0) fields[1] = `${fields[1]}, "so called"`;
    page += `${fields.map((field) => (/^\d*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`)).join(',')}\n`;
    at += 1;
    if (page.length < 65_536) continue;
    yield page;
    page = '';
  }
  yield page;
}
