import { type ByteRows, MIDDLE } from './byte-rows.ts';

/** A query as whole numbers -63 to 63, and what that loses. */
export interface ByteQuery {
  /** Of one such number. */
  readonly step: number;
  /** Times the length of a row's bytes: how far its score is off at most by what the query lost. */
  readonly queryLoss: number;
  /** Times the loss of a row: how far its score is off at most by what the row lost. */
  readonly norm: number;
}

const LARGEST = 63;

/** Writes the query as bytes, each plus MIDDLE; bytes after the last are MIDDLE too. */
export function toByteQuery(
  query: Float32Array,
  { spread }: Pick<ByteRows, 'spread'>,
  into: Uint8Array,
): ByteQuery {
  let [most, norm] = [0, 0];
  for (let i = 0; i < query.length; i += 1) {
    most = Math.max(most, Math.abs(query[i]! * spread[i]!));
    norm += query[i]! ** 2;
  }
  const step = most / LARGEST;
  into.fill(MIDDLE);
  let lost = 0;
  for (let i = 0; i < query.length; i += 1) {
    const weight = query[i]! * spread[i]!;
    const whole = step === 0 ? 0 : Math.round(weight / step);
    into[i] = whole + MIDDLE;
    lost += (weight - whole * step) ** 2;
  }
  return { step, queryLoss: Math.sqrt(lost), norm: Math.sqrt(norm) };
}
