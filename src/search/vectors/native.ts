import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PortiereError } from '../../errors.ts';
import type { DenseHits, DenseIndex } from './dense.ts';
import { cannotLoad } from './cannot-load.ts';
import { readFlatHeader, type FlatHeader } from './faiss-header.ts';
import { byteRowSize } from './byte-rows.ts';
import { checkScore, checkSearch } from './query.ts';
import { MAX_SHARD_BYTES, type ShardRange } from './shard.ts';
import type { ShardAnswer, ShardQuestion } from './native-worker.ts';
import { openInThreads } from './thread.ts';
import { mergeHits } from './top-k.ts';

export interface NativeOptions {
  /** Worker threads for an index worth dividing; as many as the machine runs at once, at most 4, by default. */
  readonly threads?: number;
  /** As `DenseOptions`. */
  readonly gently?: boolean | undefined;
}

/** Below this an index is searched faster by one thread than by two that have to be joined. */
const ROWS_WORTH_A_THREAD = 8192;

/**
 * Exact search of a FAISS flat inner-product file with nothing installed: each row lies in memory as bytes, divided
 * among worker threads; those that by their bytes may be among the best are looked at in the file. Errors as `readFlatHeader`.
 */
export async function openNative(path: string, options: NativeOptions = {}): Promise<DenseIndex> {
  // The published path is a link: what it points to now stays the same file for every thread.
  const real = await realpath(path).catch(() => path);
  const header = await readFlatHeader(real);
  const threads = options.threads ?? Math.min(4, availableParallelism());
  const ranges = divide(header, threads);
  const shards = await openInThreads<ShardQuestion, ShardAnswer>('native-worker', ranges, options).catch(
    cannotLoad,
  );
  const { dimension, count } = header;

  return {
    engine: 'native',
    dimension,
    count,
    async search(query, k, allowed) {
      const wanted = checkSearch(query, { dimension, count, k, allowed });
      if (wanted === 0) return { rows: [], scores: [] };
      // A copy: posting a part of a larger matrix would send all of it.
      const copy = query.slice();
      const parts = await Promise.all(
        ranges.map(async ({ start, end }, at) => {
          const part = allowed ? { allowed: allowed.slice(start, end) } : {};
          return hitsOf(await shards[at]!.ask({ query: copy, k: wanted, ...part }));
        }),
      );
      return parts.length === 1 ? parts[0]! : mergeHits(parts, wanted);
    },
    async score(query, rows) {
      checkScore(query, { dimension, count, rows });
      const scores = new Float32Array(rows.length);
      await Promise.all(
        ranges.map(async ({ start, end }, at) => {
          const places = rows.flatMap((row, place) => (row >= start && row < end ? [place] : []));
          if (places.length === 0) return;
          const asked = places.map((place) => rows[place]!);
          const { scores: part } = await shards[at]!.ask({ query: query.slice(), rows: asked });
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
  const bySize = Math.ceil((count * byteRowSize(dimension)) / MAX_SHARD_BYTES);
  const byWork = Math.min(threads, Math.ceil(count / ROWS_WORTH_A_THREAD));
  const parts = Math.max(1, bySize, byWork);
  return Array.from({ length: parts }, (_, part) => ({
    header,
    start: Math.floor((part * count) / parts),
    end: Math.floor(((part + 1) * count) / parts),
  }));
}

function hitsOf(answer: ShardAnswer): DenseHits {
  if (!('rows' in answer)) throw new PortiereError('BUG', 'A search was answered with scores.');
  return answer;
}
