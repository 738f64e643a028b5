// The process that holds faiss-node: it leaks a little with every query and aborts on ordinary faults, so it
// lives alone and is replaced. Arguments: path of the faiss-node package, of the
// index, of the flat file with its rows, number of threads.
import { openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { FLAT_HEADER_BYTES } from './faiss-header.ts';

/** What the child is asked, one answer each. */
export type FaissRequest =
  | { readonly id: number; readonly query: Float32Array; readonly k: number }
  | { readonly id: number; readonly query: Float32Array; readonly rows: readonly number[] };

/** What it answers; `ready` once the index is in memory, `failed` when it could not be loaded. */
export type FaissReply =
  | { readonly ready: { readonly dimension: number; readonly count: number } }
  | { readonly failed: string }
  | { readonly id: number; readonly rows: readonly number[]; readonly scores: readonly number[] };

interface FaissNode {
  readonly Index: { read(path: string): FaissIndex };
}

interface FaissIndex {
  ntotal(): number;
  getDimension(): number;
  search(query: number[], k: number): { readonly distances: number[]; readonly labels: number[] };
}

const [packagePath = '', indexPath = '', vectorsPath = '', threads = '1'] = process.argv.slice(2);
// OpenMP reads this when faiss-node is loaded, not before.
process.env['OMP_NUM_THREADS'] = threads;
// An interrupt reaches the whole process group; the parent decides when this ends, by disconnecting.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));

try {
  const { Index } = createRequire(import.meta.url)(packagePath) as FaissNode;
  const index = Index.read(indexPath);
  const dimension = index.getDimension();
  const file = openSync(vectorsPath, 'r');
  process.on('message', (request: FaissRequest) => {
    const query = Array.from(request.query);
    if ('rows' in request) {
      const scores = request.rows.map((row) => dot(query, readRow(file, row, dimension)));
      reply({ id: request.id, rows: request.rows, scores });
    } else {
      const { labels, distances } = index.search(query, request.k);
      reply({ id: request.id, rows: labels, scores: distances });
    }
  });
  reply({ ready: { dimension, count: index.ntotal() } });
} catch (error) {
  reply({ failed: String(error) });
}

function reply(message: FaissReply): void {
  process.send?.(message);
}

/** faiss-node cannot give a stored vector back; a flat index file has them one after the other. */
function readRow(file: number, row: number, dimension: number): Float32Array {
  const vector = new Float32Array(dimension);
  const bytes = new Uint8Array(vector.buffer);
  const position = FLAT_HEADER_BYTES + row * bytes.length;
  if (readSync(file, bytes, 0, bytes.length, position) !== bytes.length) {
    throw new Error(`row ${row} could not be read`);
  }
  return vector;
}

function dot(query: readonly number[], vector: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at += 1) sum += query[at]! * vector[at]!;
  return Math.fround(sum);
}
