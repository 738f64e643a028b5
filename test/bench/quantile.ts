/** The value below which `share` of them lie. */
export function quantile(values: readonly number[], share: number): number {
  return (
    values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ??
    Number.NaN
  );
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
