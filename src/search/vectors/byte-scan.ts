import { type ByteQuery, toByteQuery } from './byte-query.ts';
import { type ByteRows, byteStrideOf, factAt, type RowSource, toByteRows } from './byte-rows.ts';
import { createBoundKernel } from './kernel-bounds.ts';
import type { Steps } from './steps.ts';
import { createTopK } from './top-k.ts';
import type { KernelMemory } from './wasm.ts';

/** Looks for the rows that may be among the best of a search: by their bytes, and by what those can be off at most. */
export interface ByteScan {
  /** Rows for each of the questions, in order: the `k` best are among them. */
  near(questions: readonly ByteQuestion[]): number[][];
  readonly memory: KernelMemory;
  /** The room that was asked for, in bytes. */
  readonly roomAt: number;
}

export interface ByteQuestion {
  readonly query: Float32Array;
  readonly k: number;
  /** One byte a row, 0 for rows that do not count. */
  readonly allowed?: Uint8Array;
}

/** Rows scored in one go. */
const BLOCK = 1024;

/** A scan of all rows of the source, with `room` bytes of its memory for the caller. */
export function* createByteScan(source: RowSource, room: number): Steps<ByteScan> {
  const termsAt = byteStrideOf(source.dimension);
  const outAt = termsAt + 48;
  const roomAt = outAt + 4 * BLOCK;
  const rows = yield* toByteRows(source, roomAt + room);
  const { memory, count, stride, codesAt, factsAt } = rows;
  const queryRoom = new Uint8Array(memory.buffer, 0, stride);
  const terms = new Float32Array(memory.buffer, termsAt, 12);
  const found = new Float32Array(memory.buffer, outAt, BLOCK);
  const bounds = createBoundKernel(memory);

  return {
    memory,
    roomAt,
    near(questions) {
      const searches = questions.map((question) => newSearch(question, rows));
      for (let first = 0; first < count; first += BLOCK) {
        const size = Math.min(BLOCK, count - first);
        for (const search of searches) {
          const { allowed } = search.question;
          if (allowed && !hasAny(allowed, first, size)) continue;
          queryRoom.set(search.bytes);
          terms.set(search.terms);
          const [codes, facts] = [codesAt + first * stride, factsAt + first * 16];
          bounds(0, codes, facts, termsAt, outAt, Math.ceil(size / 4), stride);
          offerBlock(search, rows, { found, first, size });
        }
      }
      return searches.map(({ rows: kept, most, floor }) => {
        const least = floor.threshold();
        return kept.filter((_, at) => most[at]! >= least);
      });
    },
  };
}

/** One search under way: rows that may be among the best, in order, and the most that each may score. */
interface Search {
  readonly question: ByteQuestion;
  readonly bytes: Uint8Array;
  readonly as: ByteQuery;
  readonly terms: readonly number[];
  readonly rows: number[];
  readonly most: number[];
  /** The k best of what rows score at least: who cannot reach them is out. */
  readonly floor: ReturnType<typeof createTopK>;
}

function newSearch(question: ByteQuestion, rows: ByteRows): Search {
  const bytes = new Uint8Array(rows.stride);
  const as = toByteQuery(question.query, rows, bytes);
  const terms = [as.step, as.queryLoss, as.norm].flatMap((term) => [term, term, term, term]);
  return { question, bytes, as, terms, rows: [], most: [], floor: createTopK(question.k) };
}

function offerBlock(
  { question: { allowed }, as, rows, most, floor }: Search,
  { facts }: ByteRows,
  { found, first, size }: { readonly found: Float32Array; readonly first: number; readonly size: number },
): void {
  let least = floor.threshold();
  for (let at = 0; at < size; at += 1) {
    const score = found[at]!;
    if (score < least) continue;
    const row = first + at;
    if (allowed && allowed[row] === 0) continue;
    rows.push(row);
    most.push(score);
    const off = as.queryLoss * facts[factAt(row, 'length')]! + as.norm * facts[factAt(row, 'loss')]!;
    floor.offer(row, score - 2 * off);
    least = floor.threshold();
  }
}

function hasAny(allowed: Uint8Array, first: number, size: number): boolean {
  for (let at = first; at < first + size; at += 1) if (allowed[at] !== 0) return true;
  return false;
}
