import { describe, expect, it } from 'vitest';
import { strideOf } from '../../../src/search/vectors/flat-rows.ts';
import { createRowEncoder } from '../../../src/search/vectors/kernel-encode.ts';
import { noise } from './given.ts';

describe('the kernel that makes bytes of rows', () => {
  it.each([1, 15, 16, 17, 70, 384])('says of %i dimensions what doubles say', (dimension) => {
    const spread = noise(dimension, 1).map((value) => Math.abs(value) + 0.1);
    const rows = [noise(dimension, 2), noise(dimension, 3)];
    const encoder = createRowEncoder(spread, rows.length);
    const room = new Float32Array(encoder.room.buffer, encoder.room.byteOffset);
    for (const [place, row] of rows.entries()) room.set(row, (place * strideOf(dimension)) / 4);
    for (const [place, row] of rows.entries()) {
      const most = Math.max(...row.map((value, i) => Math.abs(value / spread[i]!)));
      expect(encoder.most(place)).toBeCloseTo(most, 5);
      const scale = Math.fround(most / 127);
      const bytes = new Int8Array(dimension);
      const sums = encoder.encode(place, scale, bytes);
      const lost = row.map((value, i) => value - bytes[i]! * spread[i]! * scale);
      const squares = (values: Iterable<number>) =>
        [...values].reduce((sum, value) => sum + value * value, 0);
      for (const [i, value] of lost.entries())
        expect(Math.abs(value)).toBeLessThan(0.5001 * spread[i]! * scale);
      expect(sums.sum).toBe(bytes.reduce((sum, byte) => sum + byte, 0));
      expect(sums.squares).toBe(squares(bytes));
      expect(sums.loss).toBeCloseTo(squares(lost), 5);
      expect(sums.length / squares(row)).toBeCloseTo(1, 5);
    }
  });

  it('says that a row with a value that is none has none', () => {
    const encoder = createRowEncoder(Float32Array.of(1, 1), 1);
    new Float32Array(encoder.room.buffer, encoder.room.byteOffset).set([0.5, NaN]);
    expect(encoder.most(0)).toBeNaN();
  });
});
