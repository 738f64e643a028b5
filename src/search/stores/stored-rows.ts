import { DatabaseSync } from 'node:sqlite';

import type { FlatHeader } from '../vectors/faiss-header.ts';
import { openRows, strideOf } from '../vectors/flat-rows.ts';

/** A term of a build with its vector and what searches are narrowed by. */
export interface StoredRow {
  readonly row: number;
  readonly concept_id: number;
  readonly vocabulary_id: string;
  readonly domain_id: string;
  readonly concept_class_id: string;
  readonly standard_concept: string | null;
  readonly invalid_reason: string | null;
  /** Valid until the next one is asked for. */
  readonly vector: Float32Array;
}

export interface RowFiles {
  /** The build's flat file of vectors. */
  readonly header: FlatHeader;
  /** Its lexical SQLite file. */
  readonly lexical: string;
}

/** Rows read in one go. */
const block = 512;

/** Every row from `from` on whose text had something to embed, in row order, read as it is asked for. */
export function* storedRows({ header, lexical }: RowFiles, from = 0): Generator<StoredRow, undefined> {
  const { dimension, count } = header;
  const stride = strideOf(dimension) / 4;
  const database = new DatabaseSync(lexical, { readOnly: true });
  const rows = openRows(header);
  const held = new Float32Array(block * stride);
  try {
    const attributes = database.prepare(
      `SELECT term.row, concept_id, vocabulary_id, domain_id, concept_class_id, standard_concept, invalid_reason
       FROM term JOIN concept USING (concept_id) WHERE term.row >= ? AND term.row < ? ORDER BY term.row`,
    );
    for (let first = from; first < count; first += block) {
      const size = Math.min(block, count - first);
      rows.read(first, size, new Uint8Array(held.buffer, 0, size * stride * 4));
      const some = attributes.all(first, first + size) as unknown as readonly Omit<StoredRow, 'vector'>[];
      for (const one of some) {
        const at = (one.row - first) * stride;
        const vector = held.subarray(at, at + dimension);
        if (!isZero(vector)) yield { ...one, vector };
      }
    }
    return undefined;
  } finally {
    rows.close();
    database.close();
  }
}

function isZero(vector: Float32Array): boolean {
  for (const value of vector) if (value !== 0) return false;
  return true;
}
