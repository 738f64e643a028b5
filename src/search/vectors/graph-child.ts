// The process that builds a graph with faiss-node, which aborts on ordinary faults and takes arrays of plain
// numbers only. Arguments: path of the package, flat file, target, efConstruction, efSearch.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inspectFaiss, readFlatHeader } from './faiss-header.ts';
import { openRows, strideOf } from './flat-rows.ts';

/** What the child says on its way; after `failed` it ends. */
export type GraphReply = { readonly done: number; readonly total: number } | { readonly failed: string };

interface FaissNode {
  readonly Index: {
    fromFactory(dimension: number, description: string, metric: number): FaissGraph;
    read(path: string): FaissGraph;
  };
}

interface FaissGraph {
  add(rows: number[]): void;
  write(path: string): void;
}

const INNER_PRODUCT = 0;
/** faiss-node copies what it is given more than once. */
const ROWS = 1000;

const [packagePath = '', vectors = '', target = '', efConstruction = '', efSearch = ''] =
  process.argv.slice(2);
// Several threads link the rows in an order of their own, and no two builds would be the same.
process.env['OMP_NUM_THREADS'] = '1';
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(1));

try {
  await build();
  process.exit(0);
} catch (error) {
  process.send?.({ failed: String(error) } satisfies GraphReply, () => process.exit(1));
}

async function build(): Promise<void> {
  const { Index } = createRequire(import.meta.url)(packagePath) as FaissNode;
  const header = await readFlatHeader(vectors);
  const { dimension, count } = header;
  Index.fromFactory(dimension, 'HNSW32', INNER_PRODUCT).write(target);
  // faiss-node has no setter for them; an empty graph with other numbers in its file has them.
  await setNumbers();
  const graph = Index.read(target);
  const rows = openRows(header);
  const width = strideOf(dimension) / 4;
  const block = new Float32Array(ROWS * width);
  for (let first = 0; first < count; first += ROWS) {
    const size = Math.min(ROWS, count - first);
    rows.read(first, size, new Uint8Array(block.buffer));
    const numbers = Array.from({ length: size * dimension }, (_, at) => {
      return block[Math.floor(at / dimension) * width + (at % dimension)]!;
    });
    graph.add(numbers);
    process.send?.({ done: first + size, total: count } satisfies GraphReply);
  }
  rows.close();
  graph.write(target);
  const file = openSync(target, 'r+');
  fsyncSync(file);
  closeSync(file);
}

async function setNumbers(): Promise<void> {
  const { hnsw } = await inspectFaiss(target);
  if (!hnsw) throw new Error('faiss-node wrote no graph that we know');
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(Number(efConstruction), 0);
  bytes.writeInt32LE(Number(efSearch), 4);
  const file = openSync(target, 'r+');
  writeSync(file, bytes, 0, bytes.length, hnsw.efSearchAt - 4);
  closeSync(file);
}
