import { createFlatWriter } from '../../src/search/vectors/flat-writer.ts';

/** Numbers in 0..1 that depend on the seed alone. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Synthetic {
  readonly count: number;
  readonly dimension: number;
  /** Of the rows; their topics are the same for every seed, so queries of another seed fit them. */
  readonly seed: number;
  /** Numbers of which there are topics, few or many; 0 for rows that have none and no structure (the hard case). */
  readonly topics: number;
  /** How far rows lie from their topic, where topics lie about 1 apart. */
  readonly spread: number;
}

/** Dimensions that the meaning of a row varies in; the rest is noise. */
const INNER = 48;
const NOISE = 0.25;

/**
 * A source of unit rows as embeddings of names are: overlapping topics of uneven size in a space of fewer
 * dimensions, whose later directions vary less, turned into all of them, and some noise.
 */
function clusteredRows({ dimension, seed, topics, spread }: Synthetic): () => Float32Array {
  const next = random(seed);
  const pool = gaussians(random(4711), 2 ** 20);
  const directions = Array.from({ length: INNER }, (_, at) => {
    const scale = 1 / Math.sqrt((1 + at / 8) * dimension);
    return pool.subarray(at * dimension, (at + 1) * dimension).map((value) => value * scale);
  });
  const draw = () => pool[Math.floor(next() * pool.length)]!;
  return () => {
    const row = new Float32Array(dimension);
    if (topics > 0) {
      // Some topics have many rows, most have few.
      const topic = Math.floor(next() ** 2 * topics);
      const start = Math.imul(topic + 1, 0x9e3779b1) >>> 0;
      for (const [at, direction] of directions.entries()) {
        const inner = pool[(start + at) & (pool.length - 1)]! + spread * draw();
        for (let i = 0; i < dimension; i += 1) row[i]! += inner * direction[i]!;
      }
    }
    const noise = NOISE / Math.sqrt(dimension);
    for (let i = 0; i < dimension; i += 1) row[i]! += noise * draw();
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    return row.map((value) => value / length);
  };
}

/** Writes a flat index of such rows. */
export async function writeSynthetic(path: string, given: Synthetic): Promise<void> {
  const writer = await createFlatWriter(path, { dimension: given.dimension });
  const next = clusteredRows(given);
  for (let done = 0; done < given.count;) {
    const size = Math.min(4096, given.count - done);
    const block = new Float32Array(size * given.dimension);
    for (let row = 0; row < size; row += 1) block.set(next(), row * given.dimension);
    await writer.append(block);
    done += size;
  }
  await writer.finish();
}

/** `count` such rows, one after the other. */
export function queriesOf(given: Synthetic): Float32Array {
  const next = clusteredRows(given);
  const rows = new Float32Array(given.count * given.dimension);
  for (let at = 0; at < rows.length; at += given.dimension) rows.set(next(), at);
  return rows;
}

function gaussians(next: () => number, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    return Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  });
}
