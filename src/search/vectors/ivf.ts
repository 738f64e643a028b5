import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PortiereError } from '../../errors.ts';
import type { DenseHits, DenseIndex } from './dense.ts';
import { type FlatHeader, invalidIndex, readFlatHeader } from './faiss-header.ts';
import { cannotLoad } from './cannot-load.ts';
import { strideOf } from './flat-rows.ts';
import { type IvfLayout, readIvfLayout } from './ivf-layout.ts';
import { codeStrideOf } from './list-shard.ts';
import type { ListQuestion } from './list-question.ts';
import type { ListSearchData } from './list-search.ts';
import { checkScore, checkSearch } from './query.ts';
import { openInThreads, type Thread } from './thread.ts';
import { bestFirst, firstHits, mergeHits } from './top-k.ts';

export interface IvfOptions {
  /** The flat file with every row, to look at the best rows exactly; without it codes must do. */
  readonly vectors?: string | undefined;
  /** Rows looked at exactly for a search, at least; by the coding where it is not given. */
  readonly rerank?: number | undefined;
  /** By default one, or for large searches as many as the machine runs at once, at most 4. */
  readonly threads?: number | undefined;
  /** As `DenseOptions`. */
  readonly gently?: boolean | undefined;
}

/** An inverted file that can be searched. */
export interface IvfIndex extends DenseIndex {
  readonly nlist: number;
  readonly nprobe: number;
  /** The same index, another number of lists looked into for each search. */
  probing(nprobe: number): IvfIndex;
}

/** So few allowed rows are scored one by one. */
const FEW_ROWS = 2048;
/** Rows looked at in a search, from which on dividing it pays. */
const ROWS_WORTH_THREADS = 32_768;
/** A WebAssembly memory addresses 4 GiB. */
const MAX_THREAD_BYTES = 3 * 2 ** 30;
/** Rows looked at exactly by default, and for each row asked for. */
const RERANK = { flat: [0, 0], sq8: [64, 2], pq: [256, 8] } as const;

/**
 * Search of a FAISS inverted file (`IwFl`, `IwSq`, `IwPQ`) with nothing installed: centroids and codes in
 * memory, divided among threads. INDEX_MISSING or INDEX_INVALID as `readIvfLayout` and `readFlatHeader`.
 */
export async function openIvf(path: string, options: IvfOptions = {}): Promise<IvfIndex> {
  // A published path is a link: what it points to now stays the same file for every thread.
  const layout = shareCentroids(await readIvfLayout(await realpath(path).catch(() => path)));
  const { coding, count, sizes } = layout;
  const vectors = coding.kind === 'flat' ? undefined : await vectorsOf(options.vectors, layout);
  const met = new Uint8Array(new SharedArrayBuffer(count));
  const data = divide(layout, options.threads ?? threadsFor(layout)).map((lists): ListSearchData => ({
    layout,
    lists,
    vectors,
    met,
  }));
  const threads = await openInThreads<ListQuestion, DenseHits>('ivf-worker', data, options).catch(cannotLoad);
  const [least, each] = RERANK[coding.kind];
  const rerank = (k: number) => Math.max(k, options.rerank ?? least, each * k);
  const crew = { threads, fromFile: vectors !== undefined, sizes };

  const withProbes = (nprobe: number): IvfIndex => ({
    engine: 'native',
    dimension: layout.dimension,
    count,
    nlist: sizes.length,
    nprobe,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { ...layout, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      const copy = query.slice();
      const filter = allowed && filterOf(allowed);
      if (filter && filter.count <= FEW_ROWS) {
        const scores = await scoreRows(crew, copy, filter.rows());
        return firstHits(bestFirst({ rows: filter.rows(), scores: [...scores] }), wanted);
      }
      const size = vectors ? Math.min(count, rerank(wanted)) : wanted;
      if (!filter && threads.length === 1) {
        const hits = await threads[0]!.ask({ kind: 'search', query: copy, probes: nprobe, k: size });
        if (hits.rows.length >= wanted) return firstHits(hits, wanted);
      }
      const found = await searchLists(crew, { query: copy, size, wanted, nprobe, filter });
      if (!vectors) return found;
      const scores = await scoreRows(crew, copy, found.rows);
      return firstHits(bestFirst({ rows: found.rows, scores: [...scores] }), wanted);
    },
    async score(query, rows) {
      checkScore(query, { ...layout, rows });
      return scoreRows(crew, query.slice(), rows);
    },
    probing: (other) => withProbes(checkProbes(other, sizes.length)),
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  });
  return withProbes(layout.nprobe);
}

/** CONFIG_INVALID unless so many of the lists can be looked into. */
export function checkProbes(nprobe: number, nlist: number): number {
  if (Number.isInteger(nprobe) && nprobe >= 1 && nprobe <= nlist) return nprobe;
  throw new PortiereError('CONFIG_INVALID', `nprobe cannot be ${nprobe}: the index has ${nlist} lists.`, {
    hint: `Choose a whole number from 1 to ${nlist}.`,
  });
}

/** One copy for all threads. */
function shareCentroids(layout: IvfLayout): IvfLayout {
  const centroids = new Float32Array(new SharedArrayBuffer(layout.centroids.byteLength));
  centroids.set(layout.centroids);
  return { ...layout, centroids };
}

async function vectorsOf(path: string | undefined, layout: IvfLayout): Promise<FlatHeader | undefined> {
  if (path === undefined) return undefined;
  const header = await readFlatHeader(await realpath(path).catch(() => path));
  const { dimension, count } = layout;
  if (header.dimension === dimension && header.count === count) return header;
  const shape = `${header.count} rows of ${header.dimension}`;
  throw invalidIndex(path, `it has ${shape}, and ${layout.path} has ${count} rows of ${dimension}`);
}

/** Handing a small search from thread to thread takes longer than the search. */
function threadsFor({ nprobe, sizes, count }: IvfLayout): number {
  return (nprobe * count) / sizes.length < ROWS_WORTH_THREADS ? 1 : Math.min(4, availableParallelism());
}

/** Lists in turn to each thread, so that neighbours are looked into by all at once. */
function divide(layout: IvfLayout, threads: number): Uint32Array[] {
  const { sizes, count } = layout;
  const bytes = count * (codeStrideOf(layout) + 4) + sizes.length * strideOf(layout.dimension);
  const parts = Math.min(sizes.length, Math.max(1, threads, Math.ceil(bytes / MAX_THREAD_BYTES)));
  return Array.from({ length: parts }, (_, part) =>
    Uint32Array.from({ length: Math.ceil((sizes.length - part) / parts) }, (_, at) => part + at * parts),
  );
}

interface Crew {
  readonly threads: readonly Thread<ListQuestion, DenseHits>[];
  /** Whether rows are scored from the flat file, which any thread can. */
  readonly fromFile: boolean;
  readonly sizes: Uint32Array;
}

interface Filter {
  readonly count: number;
  /** Shared, so that no thread needs a copy of its own. */
  readonly bytes: Uint8Array;
  rows(): number[];
}

function filterOf(allowed: Uint8Array): Filter {
  const bytes = new Uint8Array(new SharedArrayBuffer(allowed.length));
  bytes.set(allowed);
  let count = 0;
  for (const byte of bytes) if (byte !== 0) count += 1;
  return { count, bytes, rows: () => Array.from(bytes.keys()).filter((row) => bytes[row] !== 0) };
}

interface ListSearch {
  readonly query: Float32Array;
  /** Rows to find. */
  readonly size: number;
  /** Rows that must be found where there are so many. */
  readonly wanted: number;
  readonly nprobe: number;
  readonly filter: Filter | undefined;
}

/** Looks into the nearest lists; into as many again while too few rows are found. */
async function searchLists(
  { threads, sizes }: Crew,
  { query, size, wanted, nprobe, filter }: ListSearch,
): Promise<DenseHits> {
  // A filter takes near rows away: enough of what is left must be seen for the best of it to be among them.
  const enough = filter ? Math.min(filter.count, Math.max(4 * wanted, 64)) : wanted;
  let found: DenseHits = { rows: [], scores: [] };
  for (let [from, to] = [0, nprobe]; ; [from, to] = [to, 2 * to]) {
    const nearest = await askAll(threads, { kind: 'probe', query, probes: to }, to);
    const lists = { rows: nearest.rows.slice(from), scores: nearest.scores.slice(from) };
    const k = Math.max(size, enough);
    const part = await askAll(threads, { kind: 'scan', query, k, lists, allowed: filter?.bytes }, k);
    found = from === 0 ? part : mergeHits([found, part], k);
    if (found.rows.length >= enough || to >= sizes.length) return firstHits(found, size);
  }
}

async function askAll(threads: Crew['threads'], question: ListQuestion, k: number): Promise<DenseHits> {
  const parts = await Promise.all(threads.map((thread) => thread.ask(question)));
  return parts.length === 1 ? parts[0]! : mergeHits(parts, k);
}

async function scoreRows(
  { threads, fromFile }: Crew,
  query: Float32Array,
  rows: readonly number[],
): Promise<Float32Array> {
  const scores = new Float32Array(rows.length);
  if (rows.length === 0) return scores;
  const share = fromFile ? Math.ceil(rows.length / threads.length) : rows.length;
  await Promise.all(
    threads.map(async (thread, part) => {
      const first = fromFile ? part * share : 0;
      const asked = rows.slice(first, first + share);
      if (asked.length === 0) return;
      const answer = await thread.ask({ kind: 'score', query, rows: asked });
      for (const [at, score] of answer.scores.entries()) {
        if (!Number.isNaN(score)) scores[first + at] = score;
      }
    }),
  );
  return scores;
}
