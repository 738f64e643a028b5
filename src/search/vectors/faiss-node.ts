import { realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { PortiereError } from '../../errors.ts';
import type { DenseHits, DenseIndex } from './dense.ts';
import { readFlatHeader } from './faiss-header.ts';
import { type FaissAnswer, startFaissProcess } from './faiss-process.ts';
import { checkScore, checkSearch } from './query.ts';
import { superviseChild } from './supervise.ts';
import { bestFirst, firstHits } from './top-k.ts';

export interface FaissNodeOptions {
  /** Folder to look for the package from; beside this program by default. */
  readonly packageFrom?: string;
  /** OpenMP threads of the child; as many as the machine runs at once by default. */
  readonly threads?: number;
  /** Questions after which the child is replaced, because faiss-node leaks the bytes of every query. */
  readonly recycleAfter?: number;
  /** Told the process id of every child that is started. */
  readonly onStart?: (pid: number | undefined) => void;
}

/** So few allowed rows are scored one by one, not searched for among all. */
const FEW_ROWS = 2048;

/** Whether the optional package faiss-node can be found. */
export function faissNodeInstalled(packageFrom?: string): boolean {
  return findPackage(packageFrom) !== undefined;
}

/**
 * Exact search of a FAISS flat inner-product file by faiss-node in a supervised child process: replaced when
 * it dies (a question in flight is asked once more) and when it has answered enough. PACKAGE_MISSING without it.
 */
export async function openFaissNode(indexPath: string, options: FaissNodeOptions = {}): Promise<DenseIndex> {
  const packagePath = findPackage(options.packageFrom);
  if (packagePath === undefined) {
    throw new PortiereError('PACKAGE_MISSING', 'The package faiss-node is not installed.', {
      hint: 'npm install faiss-node, or search without it: DENSE_ENGINE=native.',
    });
  }
  // The published path is a link: every child must load the file it points to now.
  const real = await realpath(indexPath).catch(() => indexPath);
  const { dimension, count } = await readFlatHeader(real);
  const supervisor = superviseChild({
    start: async () => {
      const threads = options.threads ?? availableParallelism();
      const child = await startFaissProcess({ packagePath, indexPath: real, threads });
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

function findPackage(from: string | undefined): string | undefined {
  const require = createRequire(from === undefined ? import.meta.url : path.join(from, 'package.json'));
  try {
    return require.resolve('faiss-node');
  } catch {
    return undefined;
  }
}
