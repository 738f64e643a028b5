// A process that builds an inverted file with faiss-node as it is meant to be used: learn, add, write.
// usage: node test/bench/faiss-node-arm.ts PACKAGE FLAT_FILE TARGET FACTORY TRAINING_ROWS
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

import { readFlatHeader } from '../../src/search/vectors/faiss-header.ts';
import { openRows, strideOf } from '../../src/search/vectors/flat-rows.ts';

interface FaissNode {
  readonly Index: {
    fromFactory(dimension: number, description: string, metric: number): FaissIndex;
  };
}

interface FaissIndex {
  train(rows: number[]): void;
  add(rows: number[]): void;
  write(path: string): void;
}

const INNER_PRODUCT = 0;
/** It copies what it is given more than once. */
const ADDED = 1000;

const [packagePath = '', vectors = '', target = '', factory = '', training = ''] = process.argv.slice(2);
const { Index } = createRequire(import.meta.url)(packagePath) as FaissNode;
const start = performance.now();
const header = await readFlatHeader(vectors);
const { dimension, count } = header;
const rows = openRows(header);
const width = strideOf(dimension) / 4;
const index = Index.fromFactory(dimension, factory, INNER_PRODUCT);
index.train(sample(Math.min(count, Number(training))));
for (let first = 0; first < count; first += ADDED) index.add(numbers(first, Math.min(ADDED, count - first)));
index.write(target);
const file = openSync(target, 'r+');
fsyncSync(file);
closeSync(file);
rows.close();
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds: (performance.now() - start) / 1000,
    cpu: (user + system) / 1e6,
    peak: process.resourceUsage().maxRSS * 1024,
  }),
);

/** Rows one after the other, as the plain numbers that it takes. */
function numbers(first: number, size: number): number[] {
  const block = new Float32Array(size * width);
  rows.read(first, size, new Uint8Array(block.buffer));
  return Array.from(
    { length: size * dimension },
    (_, at) => block[Math.floor(at / dimension) * width + (at % dimension)]!,
  );
}

/** So many rows, evenly spaced. */
function sample(size: number): number[] {
  const all: number[] = [];
  for (let at = 0; at < size; at += 1) {
    for (const value of numbers(Math.floor((at * count) / size), 1)) all.push(value);
  }
  return all;
}
