import { createHash } from 'node:crypto';

import type { SearchEngine } from '../../ports/search-engine.ts';
import { shortened, vectorAttributes, vectorField } from '../stores/elasticsearch-vectors-index.ts';
import { storedRows } from '../stores/stored-rows.ts';
import type { VectorBuild } from './vector-loader.ts';

const page = 500;

/** SHA-256 (hex) over the rows, attributes and vectors (as float32) of an index, in the order of their rows. */
export async function vectorDigest(engine: SearchEngine, index: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const documents of engine.documents(index, { by: 'row', page, vector: vectorField })) {
    for (const { source, vector = [] } of documents)
      hash.update(inOrder(source as object)).update(bytesOf(Float32Array.from(vector)));
  }
  return hash.digest('hex');
}

/** The digest that the index of a build's vectors must have. */
export async function expectedVectorDigest(build: VectorBuild): Promise<string> {
  const hash = createHash('sha256');
  let row = 0;
  for (const stored of storedRows(build)) {
    hash.update(inOrder(vectorAttributes(stored))).update(bytesOf(stored.vector.map(shortened)));
    row += 1;
    if (row % page === 0) await new Promise(setImmediate);
  }
  return hash.digest('hex');
}

/** A source of which a part was left out comes back with its fields in another order. */
function inOrder(source: object): string {
  return JSON.stringify(Object.entries(source).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
