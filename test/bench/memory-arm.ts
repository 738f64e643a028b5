// Serves one dense index in a process of its own and tells its resident memory. usage: node test/bench/memory-arm.ts FILE [VECTORS] QUERIES
import { readFileSync } from 'node:fs';

import { openDense } from '../../src/search/vectors/open.ts';

const [path = '', vectors = '', queryFile = ''] = process.argv.slice(2);
const index = await openDense(path, { engine: 'native', ...(vectors === '' ? {} : { vectors }) });
const bytes = readFileSync(queryFile);
const queries = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
let next = 0;

process.on('message', (asked: number) => void answer(asked));
process.send?.(rss());

async function answer(asked: number): Promise<void> {
  for (let done = 0; done < asked; done += 1) {
    await index.search(queries.subarray(next, next + index.dimension), 10);
    next = (next + index.dimension) % queries.length;
  }
  process.send?.(rss());
}

/** Bytes, of all threads together. */
function rss(): number {
  return process.memoryUsage.rss();
}
