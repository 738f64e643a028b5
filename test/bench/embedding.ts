// Texts a second of the build's own way to embed, beside ONNX Runtime in Python (sorted by length) and
// sentence-transformers, in turn, on the same texts and the same model files: paired ratios, ours to theirs.
// usage: node test/bench/embedding.ts --model FOLDER [--precision int8] [--texts 4000] [--rounds 5] [--corpus FILE]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { openEmbedder } from '../../src/search/embed/open.ts';
import type { Embedder } from '../../src/search/embed/embedder.ts';
import { inOrder } from '../../src/search/index/in-order.ts';
import { randomFrom } from '../support/random.ts';
import { startPeer } from './peer.ts';
import { writeSyntheticVocabulary } from './synthetic-vocabulary.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    precision: { type: 'string', default: 'int8' },
    texts: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '5' },
    corpus: { type: 'string' },
  },
});
if (values.model === undefined)
  throw new Error('--model names the folder of a model: config.json, tokenizer.json, onnx/');
const model = path.resolve(values.model);
const precision = values.precision === 'fp32' ? 'fp32' : 'int8';
const width = availableParallelism();
const unit = 256;
const folder = fileURLToPath(new URL('../../.bench/embedding', import.meta.url));

await mkdir(folder, { recursive: true });
const texts = await corpus(Number(values.texts));
const textFile = path.join(folder, 'texts.txt');
await writeFile(textFile, texts.join('\n'));
const embedder = await openEmbedder(
  {
    model: path.basename(model),
    precision,
    modelDir: path.dirname(model),
    cacheDir: folder,
    device: 'cpu',
    batchTokens: 512,
  },
  width,
);
const peer = await startPeer('embedding_peer.py');
await peer.ask({ do: 'load', folder: model, texts: textFile, precision, threads: width });
console.log(
  `${cpus()[0]?.model}, ${width} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}, onnxruntime ${peer.version} in Python`,
);
console.log(
  `${path.basename(model)} ${precision}, ${texts.length} different texts, ${values.rounds} rounds in turn`,
);

type Timed = {
  readonly seconds?: number;
  readonly missing?: boolean;
  readonly error?: string;
  readonly peak?: number;
};
const ratios: Record<string, number[]> = {};
for (let round = -1; round < Number(values.rounds); round += 1) {
  const own = await ours(embedder);
  const target = path.join(folder, 'peer.f32');
  const { identity } = embedder;
  const onnx = (await peer.ask({ do: 'onnx', max_length: identity.maxLength, target })) as Timed;
  if (onnx.error !== undefined) throw new Error(onnx.error);
  const torch: Timed =
    precision === 'fp32' ? await peer.ask({ do: 'sentence_transformers' }) : { missing: true };
  if (round < 0) {
    console.log(
      `vectors: cosine with the peer's at least ${(await leastCosine(own.vectors, target)).toFixed(5)}`,
    );
    continue;
  }
  const rate = (seconds: number): string => `${Math.round(texts.length / seconds)}/s`;
  console.log(
    `  ours ${rate(own.seconds)}, Python ONNX ${rate(onnx.seconds ?? Number.NaN)}, sentence-transformers ${torch.seconds === undefined ? 'not run' : rate(torch.seconds)}; load ${loadavg()[0]?.toFixed(2)}`,
  );
  (ratios['Python ONNX Runtime, sorted'] ??= []).push((onnx.seconds ?? Number.NaN) / own.seconds);
  if (torch.seconds !== undefined) (ratios['sentence-transformers'] ??= []).push(torch.seconds / own.seconds);
}
for (const [name, all] of Object.entries(ratios)) {
  const sorted = all.toSorted((one, other) => one - other);
  console.log(
    `${precision === 'int8' ? 'G7' : 'G8'} throughput beside ${name}: ${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)}x (${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)})`,
  );
}
peer.close();
await embedder.close();

/** As a build does it: by length, in units, some at once. */
async function ours(from: Embedder): Promise<{ readonly seconds: number; readonly vectors: Float32Array }> {
  const start = performance.now();
  const { dimension } = from.identity;
  const vectors = new Float32Array(texts.length * dimension);
  const order = texts.map((_, at) => at);
  order.sort(
    (one, other) => texts[one]!.length - texts[other]!.length || (texts[one]! < texts[other]! ? -1 : 1),
  );
  const units = Array.from({ length: Math.ceil(order.length / unit) }, (_, at) =>
    order.slice(at * unit, (at + 1) * unit),
  );
  const embed = async (places: readonly number[]) => ({
    places,
    rows: await from.embed(places.map((place) => texts[place]!)),
  });
  for await (const { places, rows } of inOrder(units, embed, width + 1)) {
    for (const [at, place] of places.entries())
      vectors.set(rows.subarray(at * dimension, (at + 1) * dimension), place * dimension);
  }
  return { seconds: (performance.now() - start) / 1000, vectors };
}

async function leastCosine(own: Float32Array, file: string): Promise<number> {
  const bytes = await readFile(file);
  const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const dimension = own.length / texts.length;
  let least = 1;
  for (let start = 0; start < own.length; start += dimension) {
    let cosine = 0;
    for (let at = start; at < start + dimension; at += 1) cosine += own[at]! * theirs[at]!;
    least = Math.min(least, cosine);
  }
  return least;
}

/** Different texts in an order that says nothing: the lines of a file, or names of the synthetic vocabulary. */
async function corpus(count: number): Promise<string[]> {
  let lines: string[];
  if (values.corpus === undefined) {
    const vocabulary = path.join(folder, 'vocabulary');
    await writeSyntheticVocabulary(vocabulary, count * 2);
    const table = await readFile(path.join(vocabulary, 'CONCEPT.csv'), 'utf8');
    lines = table
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')[1] ?? '');
  } else lines = (await readFile(values.corpus, 'utf8')).split('\n');
  const different = [...new Set(lines.filter((line) => line !== ''))];
  const random = randomFrom(7);
  for (let at = different.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [different[at], different[other]] = [different[other]!, different[at]!];
  }
  return different.slice(0, count);
}
