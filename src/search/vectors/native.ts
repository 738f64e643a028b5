import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PortiereError } from '../../errors.ts';
import type { DenseHits, DenseIndex } from './dense.ts';
import { readFlatHeader, type FlatHeader } from './faiss-header.ts';
import { checkScore, checkSearch } from './query.ts';
import { MAX_SHARD_BYTES, strideOf, type ShardRange } from './shard.ts';
import { startShardWorker, type ShardWorker } from './shard-worker.ts';
import { createTopK } from './top-k.ts';

export interface NativeOptions {
  /** Worker threads for an index worth dividing; as many as the machine runs at once, at most 4, by default. */
  readonly threads?: number;
}

/** Below this an index is searched faster by one thread than by two that have to be joined. */
const ROWS_WORTH_A_THREAD = 8192;

/**
 * Exact search of a FAISS flat inner-product file with nothing installed: the rows lie once in memory,
 * divided among worker threads. Errors as `readFlatHeader`.
 */
export async function openNative(path: string, options: NativeOptions = {}): Promise<DenseIndex> {
  // The published path is a link: what it points to now stays the same file for every thread.
  const real = await realpath(path).catch(() => path);
  const header = await readFlatHeader(real);
  const threads = options.threads ?? Math.min(4, availableParallelism());
  const ranges = divide(header, threads);
  const shards = await startAll(ranges);
  const { dimension, count } = header;

  return {
    engine: 'native',
    dimension,
    count,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { dimension, count, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      const parts = await Promise.all(
        ranges.map(({ start, end }, at) => shards[at]!.search(query, wanted, allowed?.slice(start, end))),
      );
      return parts.length === 1 ? parts[0]! : merge(parts, wanted);
    },
    async score(query, rows) {
      checkScore(query, { dimension, count, rows });
      const scores = new Float32Array(rows.length);
      await Promise.all(
        ranges.map(async ({ start, end }, at) => {
          const places = rows.flatMap((row, place) => (row >= start && row < end ? [place] : []));
          if (places.length === 0) return;
          const part = await shards[at]!.score(
            query,
            places.map((place) => rows[place]!),
          );
          for (const [index, place] of places.entries()) scores[place] = part[index]!;
        }),
      );
      return scores;
    },
    async close() {
      await Promise.all(shards.map((shard) => shard.close()));
    },
  };
}

/** Equal parts, a worker each; none for an empty index. */
function divide(header: FlatHeader, threads: number): ShardRange[] {
  const { count, dimension } = header;
  if (count === 0) return [];
  const bySize = Math.ceil((count * strideOf(dimension)) / MAX_SHARD_BYTES);
  const byWork = Math.min(threads, Math.ceil(count / ROWS_WORTH_A_THREAD));
  const parts = Math.max(1, bySize, byWork);
  return Array.from({ length: parts }, (_, part) => ({
    header,
    start: Math.floor((part * count) / parts),
    end: Math.floor(((part + 1) * count) / parts),
  }));
}

async function startAll(ranges: readonly ShardRange[]): Promise<ShardWorker[]> {
  const started = await Promise.allSettled(ranges.map(startShardWorker));
  const workers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (!failed) return workers;
  await Promise.all(workers.map((worker) => worker.close()));
  if (failed.reason instanceof PortiereError) throw failed.reason;
  throw new PortiereError('INDEX_INVALID', `The dense index could not be loaded: ${String(failed.reason)}`, {
    hint: 'Check that there is memory for the whole file, or build the index again: portiere index build',
    cause: failed.reason,
  });
}

function merge(parts: readonly DenseHits[], k: number): DenseHits {
  const best = createTopK(k);
  for (const { rows, scores } of parts) {
    for (const [at, row] of rows.entries()) best.offer(row, scores[at]!);
  }
  return best.hits();
}
