import { PortiereError } from '../../errors.ts';

export interface QueryShape {
  readonly dimension: number;
  readonly count: number;
  readonly k: number;
  readonly allowed?: Uint8Array | undefined;
}

/** Refuses a search that cannot mean anything for the index; gives `k` clamped to the rows there are. */
export function checkSearch(query: Float32Array, { dimension, count, k, allowed }: QueryShape): number {
  checkQuery(query, dimension);
  if (!Number.isInteger(k) || k < 0) throw new PortiereError('BUG', `Cannot search for ${k} rows.`);
  if (allowed && allowed.length !== count) {
    throw new PortiereError('BUG', `A filter of ${allowed.length} rows does not fit an index of ${count}.`);
  }
  return Math.min(k, count);
}

/** Refuses rows that the index does not have. */
export function checkScore(
  query: Float32Array,
  { dimension, count, rows }: Pick<QueryShape, 'dimension' | 'count'> & { readonly rows: readonly number[] },
): void {
  checkQuery(query, dimension);
  const stranger = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= count);
  if (stranger !== undefined) {
    throw new PortiereError('BUG', `There is no row ${stranger} in an index of ${count}.`);
  }
}

function checkQuery(query: Float32Array, dimension: number): void {
  if (query.length !== dimension) {
    throw new PortiereError(
      'INDEX_INVALID',
      `The index holds vectors of dimension ${dimension}, the query has ${query.length}.`,
      { hint: 'Search with the model the index was built with, or build it again: portiere index build' },
    );
  }
  if (!query.every(Number.isFinite)) {
    throw new PortiereError('BUG', 'The query vector holds a number that is not finite.');
  }
}
