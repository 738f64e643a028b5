import { describe, expect, it } from 'vitest';
import { poolRows } from '../../../src/search/embed/pooling.ts';

// Two rows of two tokens of dimension two.
const hidden = Float32Array.from([3, 4, 3, -4, 0, 2, 0, 2]);
const shape = { rows: 2, length: 2, dimension: 2 };

describe('pooling', () => {
  it('takes the first token for cls', () => {
    expect([...poolRows(hidden, { ...shape, pooling: 'cls' })]).toEqual([0.6, 0.8, 0, 1].map(Math.fround));
  });

  it('takes all tokens for mean', () => {
    expect([...poolRows(hidden, { ...shape, pooling: 'mean' })]).toEqual([1, 0, 0, 1]);
  });

  it('leaves a zero vector zero', () => {
    expect([...poolRows(new Float32Array(2), { rows: 1, length: 1, dimension: 2, pooling: 'mean' })]).toEqual(
      [0, 0],
    );
  });
});
