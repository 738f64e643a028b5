import type { Pooling } from './models.ts';

export interface HiddenShape {
  readonly rows: number;
  /** Tokens of every row: rows of equal length, so there is no padding to leave out. */
  readonly length: number;
  readonly dimension: number;
  readonly pooling: Pooling;
}

/** One unit vector a row (`rows` x `dimension`) from the model's last hidden state (`rows` x `length` x `dimension`). */
export function poolRows(
  hidden: Float32Array,
  { rows, length, dimension, pooling }: HiddenShape,
): Float32Array {
  const pooled = new Float32Array(rows * dimension);
  const sum = new Float64Array(dimension);
  const tokens = pooling === 'cls' ? 1 : length;
  for (let row = 0; row < rows; row += 1) {
    sum.fill(0);
    for (let token = 0; token < tokens; token += 1) {
      const start = (row * length + token) * dimension;
      for (let at = 0; at < dimension; at += 1) sum[at]! += hidden[start + at]!;
    }
    // A mean and a sum point the same way, so the division by the number of tokens is left out.
    const norm = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0));
    if (norm === 0) continue;
    for (let at = 0; at < dimension; at += 1) pooled[row * dimension + at] = sum[at]! / norm;
  }
  return pooled;
}
