// Loading documents: our loader, the JavaScript client's helpers.bulk and the Python client's parallel_bulk, in turn (G11).
// Tier 1: into a counting sink (client CPU a document; a rate into it says nothing of Elasticsearch). Tier 2, where
// PORTIERE_TEST_ELASTICSEARCH names a server: wall time until all is counted.
// usage: node test/bench/bulk.ts [--documents 200000] [--rounds 5] [--busy]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { documentOf, indexBody } from '../../src/search/lexical/elasticsearch-index.ts';
import { indexedConcepts } from '../../src/search/lexical/indexed-concepts.ts';
import { conceptFile } from '../support/concept-file.ts';
import { lacking, python } from './peer.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';

const { values } = parseArgs({
  options: { ...commonOptions, documents: { type: 'string', default: '200000' } },
});
const [documents, rounds] = [Number(values.documents), Number(values.rounds)];
const root = fileURLToPath(new URL('../..', import.meta.url));
const bench = join(root, '.bench', 'bulk');
const server = process.env['PORTIERE_TEST_ELASTICSEARCH'];

interface Run {
  /** Microseconds of CPU time, milliseconds on the wall, MiB at most. */
  readonly cpu: number;
  readonly wall: number;
  readonly rss: number;
}
type Arm = (url: string, count: number) => Promise<Run>;
type Peers = Readonly<Record<'helpers.bulk' | 'parallel_bulk', RowHead>>;

mkdirSync(bench, { recursive: true });
const files = await corpus();
const absent = lacking('elasticsearch');
const script = (name: string): string => join(root, 'test/bench', name);
const node =
  (arm: string): Arm =>
  async (url, count) =>
    await read(process.execPath, ['--expose-gc', script('bulk-arm.ts'), arm, url, files.concepts, count]);
const peer =
  (threads: number, chunk: number): Arm =>
  async (url, count) =>
    await read(python, [script('bulk-peer.py'), url, files.documents, count, threads, chunk]);
const tunings = [1, 2, 4].flatMap((threads) => [500, 2_000, 5_000].map((chunk) => [threads, chunk] as const));

let session = await openSession('bulk', values);
const what = `${documents.toLocaleString('en')} documents`;
const sinkHead = {
  goal: 'G11',
  unit: 'x',
  measured: 'µs/document',
  checked: 'every document arrived exactly once',
} as const;
const serverHead = { ...sinkHead, measured: 's', checked: 'refreshed and counted inside the time' } as const;
const intoSinkRows: Peers = {
  'helpers.bulk': {
    ...sinkHead,
    metric: `processor time of the client into a sink, ${what}`,
    peer: '@elastic/elasticsearch helpers.bulk',
    target: { atMost: 0.5 },
  },
  parallel_bulk: {
    ...sinkHead,
    metric: `processor time of the client into a sink, ${what}`,
    peer: 'elasticsearch-py parallel_bulk, its best of 9 settings',
    target: { atMost: 0.15 },
  },
};
const intoServerRows: Peers = {
  'helpers.bulk': {
    ...serverHead,
    metric: `loading a real Elasticsearch, ${what}`,
    peer: '@elastic/elasticsearch helpers.bulk',
    target: { atMost: 1 },
  },
  parallel_bulk: {
    ...serverHead,
    metric: `loading a real Elasticsearch, ${what}`,
    peer: 'elasticsearch-py parallel_bulk, its best of 9 settings',
    target: { atMost: 1 },
  },
};
await intoSink();
session.finish();
session = await openSession('bulk-server', { ...values, after: true, server: true });
if (server === undefined)
  for (const head of Object.values(intoServerRows))
    session.notRun(head, 'PORTIERE_TEST_ELASTICSEARCH names no server');
else await intoServer(server);
session.finish();

async function intoSink(): Promise<void> {
  const sink = spawn(process.execPath, [join(root, 'test/bench/bulk-sink.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(sink.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${chunk.toString().trim()}`;
  try {
    const best = absent === undefined ? await cheapest(url) : undefined;
    await fetch(`${url}/counted`);
    const arms = armsWith(best);
    await inTurn(arms, { heads: intoSinkRows, pick: (run) => run.cpu / documents }, async (arm) => {
      const run = await arm(url, documents);
      const counted = (await (await fetch(`${url}/counted`)).json()) as { documents: number; twice: number };
      if (counted.documents !== documents || counted.twice > 0) throw new Error(JSON.stringify(counted));
      return run;
    });
    console.log(`parallel_bulk best at ${best?.join(' threads, chunks of ') ?? '-'}`);
  } finally {
    sink.kill();
  }
}

async function intoServer(url: string): Promise<void> {
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await answer.json();
  };
  const empty = async (): Promise<void> => {
    await ask('DELETE', '/bench?ignore_unavailable=true');
    await ask('PUT', '/bench', indexBody({ id: 'bench', concepts: documents }));
  };
  /** With refresh and count: what is not found is not loaded. */
  const loaded = async (arm: Arm, count: number): Promise<Run> => {
    await empty();
    const run = await arm(url, count);
    const start = performance.now();
    await ask('POST', '/bench/_refresh');
    const { count: found } = (await ask('GET', '/bench/_count')) as { count: number };
    if (found !== count) throw new Error(`${found} of ${count} documents are there`);
    return { ...run, wall: run.wall + performance.now() - start };
  };
  const sample = Math.min(20_000, documents);
  let best: readonly [number, number] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const tuning of absent === undefined ? tunings : []) {
    const { wall } = await loaded(peer(...tuning), sample);
    if (wall < least) [best, least] = [tuning, wall];
  }
  const load = async (arm: Arm): Promise<Run> => await loaded(arm, documents);
  await inTurn(armsWith(best), { heads: intoServerRows, pick: (run) => run.wall / 1_000 }, load);
  await ask('DELETE', '/bench');
  console.log(`parallel_bulk best at ${best?.join(' threads, chunks of ') ?? '-'}`);
}

function armsWith(best: readonly [number, number] | undefined): Readonly<Record<string, Arm>> {
  return {
    ours: node('ours'),
    'helpers.bulk': node('helpers'),
    ...(best === undefined ? {} : { parallel_bulk: peer(...best) }),
  };
}

async function cheapest(url: string): Promise<readonly [number, number] | undefined> {
  let best: readonly [number, number] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const tuning of tunings) {
    const { cpu } = await peer(...tuning)(url, documents);
    if (cpu < least) [best, least] = [tuning, cpu];
  }
  return best;
}

async function inTurn(
  arms: Readonly<Record<string, Arm>>,
  { heads, pick }: { readonly heads: Peers; readonly pick: (run: Run) => number },
  run: (arm: Arm) => Promise<Run>,
): Promise<void> {
  const rows = new Map(
    Object.entries(heads).flatMap(([name, head]) => {
      if (name in arms) return [[name, session.row(head)] as const];
      session.notRun(head, absent ?? '');
      return [];
    }),
  );
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes with each round.
    const names = Object.keys(arms);
    const taken = new Map<string, number>();
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      const arm = arms[name];
      if (arm !== undefined) taken.set(name, pick(await run(arm)));
    }
    for (const [name, row] of rows) row.round(taken.get('ours') ?? Number.NaN, taken.get(name) ?? Number.NaN);
  }
}

async function read(program: string, args: readonly (string | number)[]): Promise<Run> {
  const options = { encoding: 'utf8', timeout: 600_000 } as const;
  return JSON.parse((await promisify(execFile)(program, args.map(String), options)).stdout) as Run;
}

/** The same concepts for every arm, as our loader reads them and as documents. */
async function corpus(): Promise<{ readonly concepts: string; readonly documents: string }> {
  const build = await conceptFile(bench, documents, String(documents));
  const lines: string[] = [];
  const texts: string[] = [];
  for (const concept of indexedConcepts(build.lexical)) {
    lines.push(JSON.stringify(concept));
    texts.push(documentOf(concept));
  }
  const files = { concepts: join(bench, 'concepts.jsonl'), documents: join(bench, 'documents.jsonl') };
  writeFileSync(files.concepts, `${lines.join('\n')}\n`);
  writeFileSync(files.documents, `${texts.join('\n')}\n`);
  return files;
}
