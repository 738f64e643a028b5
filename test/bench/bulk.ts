// Loading documents: our loader, the JavaScript client's helpers.bulk and the Python client's parallel_bulk, in turn.
// Tier 1: into a counting sink (client CPU a document; a rate into it says nothing of Elasticsearch). Tier 2, where
// PORTIERE_TEST_ELASTICSEARCH names a server: wall time until all is counted. usage: node test/bench/bulk.ts [DOCUMENTS] [ROUNDS]
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { documentOf, indexBody } from '../../src/search/lexical/elasticsearch-index.ts';
import { indexedConcepts } from '../../src/search/lexical/indexed-concepts.ts';
import { conceptFile } from '../support/concept-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bench = join(root, '.bench', 'bulk');
const python = join(root, '.bench', 'venv', 'bin', 'python');
const [documents = 200_000, rounds = 5] = process.argv.slice(2).map(Number);
const server = process.env['PORTIERE_TEST_ELASTICSEARCH'];

interface Run {
  /** Microseconds of CPU time, milliseconds on the wall, MiB at most. */
  readonly cpu: number;
  readonly wall: number;
  readonly rss: number;
}
type Arm = (url: string, count: number) => Promise<Run>;

mkdirSync(bench, { recursive: true });
const files = await corpus();
const hasPeer = existsSync(python) && spawnSync(python, ['-c', 'import elasticsearch']).status === 0;
if (!hasPeer) console.log(`no Python client: ${python} -m pip install elasticsearch`);
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

console.log(
  `${cpus()[0]?.model ?? '?'}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}, ${documents} documents`,
);
const results: Record<string, unknown> = {
  documents,
  rounds,
  machine: cpus()[0]?.model,
  node: process.version,
};
await intoSink();
if (server === undefined) console.log('tier 2 skipped: PORTIERE_TEST_ELASTICSEARCH names no server');
else await intoServer(server);
writeFileSync(join(bench, 'results.json'), JSON.stringify(results, null, 2));

async function intoSink(): Promise<void> {
  const sink = spawn(process.execPath, [join(root, 'test/bench/bulk-sink.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(sink.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${chunk.toString().trim()}`;
  try {
    const best = hasPeer ? await cheapest(url) : undefined;
    await fetch(`${url}/counted`);
    const arms = armsWith(best);
    const runs = await inTurn(arms, async (arm) => {
      const run = await arm(url, documents);
      const counted = (await (await fetch(`${url}/counted`)).json()) as { documents: number; twice: number };
      if (counted.documents !== documents || counted.twice > 0) throw new Error(JSON.stringify(counted));
      return run;
    });
    console.log(
      `into a sink, every document exactly once; parallel_bulk best at ${best?.join(' threads, chunks of ') ?? '-'}`,
    );
    results['sink'] = report(runs, 'µs CPU/document', (run) => run.cpu / documents);
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
  for (const tuning of hasPeer ? tunings : []) {
    const { wall } = await loaded(peer(...tuning), sample);
    if (wall < least) [best, least] = [tuning, wall];
  }
  const runs = await inTurn(armsWith(best), async (arm) => await loaded(arm, documents));
  await ask('DELETE', '/bench');
  console.log(
    `into Elasticsearch, refreshed and counted; parallel_bulk best at ${best?.join(' threads, chunks of ') ?? '-'}`,
  );
  results['server'] = report(runs, 's', (run) => run.wall / 1_000);
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
  run: (arm: Arm) => Promise<Run>,
): Promise<ReadonlyMap<string, Run[]>> {
  const runs = new Map<string, Run[]>(Object.keys(arms).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes with each round.
    const names = Object.keys(arms);
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      const arm = arms[name];
      if (arm !== undefined) runs.get(name)?.push(await run(arm));
    }
  }
  return runs;
}

function report(runs: ReadonlyMap<string, Run[]>, unit: string, pick: (run: Run) => number): object {
  const values = new Map([...runs].map(([name, all]) => [name, all.map(pick)]));
  const ours = values.get('ours') ?? [];
  const rows = [...values].map(([name, all]) => {
    const ratios = ours.map((own, round) => own / (all[round] ?? Number.NaN));
    const memory = median(runs.get(name)?.map(({ rss }) => rss) ?? []);
    return {
      arm: name,
      median: median(all),
      least: Math.min(...all),
      most: Math.max(...all),
      ours_to_it: median(ratios),
      peak_mib: memory,
      runs: all,
    };
  });
  for (const { arm, median, least, most, ours_to_it, peak_mib } of rows)
    console.log(
      `${arm.padEnd(14)} ${median.toFixed(2)} ${unit} (${least.toFixed(2)} to ${most.toFixed(2)}), ours to it ${ours_to_it.toFixed(2)}, peak ${Math.round(peak_mib)} MiB`,
    );
  return { unit, rows };
}

async function read(program: string, args: readonly (string | number)[]): Promise<Run> {
  const options = { encoding: 'utf8', timeout: 600_000 } as const;
  return JSON.parse((await promisify(execFile)(program, args.map(String), options)).stdout) as Run;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
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
