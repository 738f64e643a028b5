import type { IvfCoding } from './ivf-format.ts';
import type { Workshop } from './workshop.ts';

/** Rows looked at: more tell nothing new about the ends of a range. */
const ENOUGH = 65_536;

/** The range of each dimension over the sample, less each row's centroid: what 8 bits have to cover. */
export function trainRanges(shop: Workshop): Extract<IvfCoding, { kind: 'sq8' }> {
  const { memory, header, book, sampleAt, sampleRows, nearest } = shop;
  const { dimension } = header;
  const floats = new Float32Array(memory.buffer);
  const lowest = new Float32Array(dimension).fill(Infinity);
  const highest = new Float32Array(dimension).fill(-Infinity);
  const count = Math.min(ENOUGH, sampleRows);
  for (let at = 0; at < count; at += 1) {
    const row = Math.floor((at * sampleRows) / count);
    const centroid = nearest[row]!;
    if (centroid < 0) continue;
    const from = (sampleAt + row * book.stride) / 4;
    const base = (book.centroidsAt + centroid * book.stride) / 4;
    for (let i = 0; i < dimension; i += 1) {
      const value = floats[from + i]! - floats[base + i]!;
      if (value < lowest[i]!) lowest[i] = value;
      if (value > highest[i]!) highest[i] = value;
    }
  }
  // Nothing but zeros.
  if (lowest[0] === Infinity)
    return { kind: 'sq8', lowest: lowest.fill(0), range: highest.fill(0), byResidual: true };
  const range = highest.map((value, i) => value - lowest[i]!);
  return { kind: 'sq8', lowest, range, byResidual: true };
}
