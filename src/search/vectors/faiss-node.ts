import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { DenseHits, DenseIndex } from './dense.ts';
import { type FlatHeader, inspectFaiss, invalidIndex, readFlatHeader } from './faiss-header.ts';
import { faissNodePath, noFaissNode } from './faiss-node-package.ts';
import { type FaissAnswer, startFaissProcess } from './faiss-process.ts';
import { withEfSearch } from './ef-search.ts';
import { checkScore, checkSearch } from './query.ts';
import { superviseChild } from './supervise.ts';
import { bestFirst, firstHits } from './top-k.ts';

export interface FaissNodeOptions {
  /** Folder to look for the package from; beside this program by default. */
  readonly packageFrom?: string;
  /** The flat file with every row, which a graph needs beside it. */
  readonly vectors?: string | undefined;
  /** Neighbours a search of a graph keeps in view; what the file says by default. */
  readonly efSearch?: number | undefined;
  /** OpenMP threads of the child; as many as the machine runs at once by default. */
  readonly threads?: number;
  /** Questions after which the child is replaced, because faiss-node leaks the bytes of every query. */
  readonly recycleAfter?: number;
  /** Told the process id of every child that is started. */
  readonly onStart?: (pid: number | undefined) => void;
}

/** So few allowed rows are scored one by one, not searched for among all. */
const FEW_ROWS = 2048;

/**
 * Search of a FAISS flat inner-product file, or of a graph of its rows, by faiss-node in a supervised child process: replaced when
 * it dies (a question in flight is asked once more) and when it has answered enough. PACKAGE_MISSING without it.
 */
export async function openFaissNode(indexPath: string, options: FaissNodeOptions = {}): Promise<DenseIndex> {
  const packagePath = faissNodePath(options.packageFrom);
  if (packagePath === undefined) throw noFaissNode();
  // The published path is a link: every child must load the file it points to now.
  const real = await realpath(indexPath).catch(() => indexPath);
  const { fourcc } = await inspectFaiss(real);
  const flat = fourcc === 'IHNf' ? await vectorsOf(real, options.vectors) : await readFlatHeader(real);
  const { dimension, count } = flat;
  const supervisor = superviseChild({
    start: async () => {
      const threads = options.threads ?? availableParallelism();
      const child = await withEfSearch(real, options.efSearch, async (indexPath) => {
        return await startFaissProcess({ packagePath, indexPath, vectorsPath: flat.path, threads });
      });
      options.onStart?.(child.pid);
      return child;
    },
    recycleAfter: options.recycleAfter ?? 100_000,
  });
  await supervisor.start();

  const score = async (query: Float32Array, rows: readonly number[]) => {
    checkScore(query, { dimension, count, rows });
    return rows.length === 0 ? [] : (await supervisor.ask({ query: query.slice(), rows })).scores;
  };
  return {
    engine: 'faiss-node',
    dimension,
    count,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { dimension, count, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      const candidates = allowed ? rowsAllowed(allowed) : undefined;
      if (candidates && candidates.length <= FEW_ROWS) {
        return firstHits(bestFirst({ rows: candidates, scores: await score(query, candidates) }), wanted);
      }
      const share = candidates ? candidates.length / count : 1;
      return growSearch({
        count,
        wanted,
        share,
        allowed,
        ask: (size) => supervisor.ask({ query: query.slice(), k: size }),
      });
    },
    score: async (query, rows) => Float32Array.from(await score(query, rows)),
    close: () => supervisor.close(),
  };
}

async function vectorsOf(graph: string, path: string | undefined): Promise<FlatHeader> {
  if (path === undefined)
    throw invalidIndex(graph, 'it is a graph, and the flat file of its rows was not given');
  const header = await readFlatHeader(await realpath(path).catch(() => path));
  const { dimension, count, metric } = await inspectFaiss(graph);
  if (metric !== 'inner product') throw invalidIndex(graph, `its metric is ${metric}, not inner product`);
  if (header.dimension === dimension && header.count === count) return header;
  throw invalidIndex(graph, `it has ${count} rows of ${dimension}, and ${path} has others`);
}

interface Growth {
  readonly count: number;
  readonly wanted: number;
  /** Part of the rows that is allowed, 0 to 1. */
  readonly share: number;
  readonly allowed: Uint8Array | undefined;
  readonly ask: (k: number) => Promise<FaissAnswer>;
}

/**
 * FAISS knows no filter and breaks ties as it likes: ask for more until the last row seen is worse than the
 * last one wanted, so that every row of equal score has been seen.
 */
async function growSearch({ count, wanted, share, allowed, ask }: Growth): Promise<DenseHits> {
  for (let size = Math.ceil((wanted + 1) / share); ; size *= 2) {
    const k = Math.min(size, count);
    const { rows, scores } = await ask(k);
    const kept = rows.flatMap((row, at) => (row >= 0 && (!allowed || allowed[row] !== 0) ? [at] : []));
    const hits = bestFirst({ rows: kept.map((at) => rows[at]!), scores: kept.map((at) => scores[at]!) });
    const lastSeen = scores[rows.length - 1] ?? -Infinity;
    if (k === count || (hits.scores[wanted - 1] ?? -Infinity) > lastSeen) return firstHits(hits, wanted);
  }
}

function rowsAllowed(allowed: Uint8Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < allowed.length; row += 1) if (allowed[row] !== 0) rows.push(row);
  return rows;
}
