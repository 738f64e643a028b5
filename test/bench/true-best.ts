import { readFlatHeader } from '../../src/search/vectors/faiss-header.ts';
import { openRows, strideOf } from '../../src/search/vectors/flat-rows.ts';

/** The best `k` rows of a flat file for each query, by sums in double precision. */
export async function trueBest(
  path: string,
  queries: Float32Array,
  k: number,
): Promise<{ row: number; score: number }[][]> {
  const header = await readFlatHeader(path);
  const { dimension, count } = header;
  const width = strideOf(dimension) / 4;
  const block = new Float32Array(1024 * width);
  const rows = openRows(header);
  const best = Array.from(
    { length: queries.length / dimension },
    () => [] as { row: number; score: number }[],
  );
  for (let first = 0; first < count; first += 1024) {
    const size = Math.min(1024, count - first);
    rows.read(first, size, new Uint8Array(block.buffer));
    for (const [at, held] of best.entries()) {
      const query = queries.subarray(at * dimension, (at + 1) * dimension);
      for (let row = 0; row < size; row += 1) {
        let score = 0;
        for (let i = 0; i < dimension; i += 1) score += query[i]! * block[row * width + i]!;
        if (held.length === k && score <= held[k - 1]!.score) continue;
        held.push({ row: first + row, score });
        held.sort((a, b) => b.score - a.score);
        held.length = Math.min(held.length, k);
      }
    }
  }
  rows.close();
  return best;
}
