// Texts a second of the build's own way to embed, beside ONNX Runtime in Python (sorted by length) and
// sentence-transformers, in turn, on the same texts and the same model files (G7 int8, G8 fp32).
// usage: node test/bench/embedding.ts --model FOLDER [--precision int8] [--texts 4000] [--corpus FILE] [--rounds 5] [--busy]
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import type { Embedder } from '../../src/search/embed/embedder.ts';
import { openEmbedder } from '../../src/search/embed/open.ts';
import { inOrder } from '../../src/search/index/in-order.ts';
import { randomFrom } from '../support/random.ts';
import { lacking, type Peer, startPeer } from './peer.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';
import { writeSyntheticVocabulary } from './synthetic-vocabulary.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    model: { type: 'string' },
    precision: { type: 'string', default: 'int8' },
    texts: { type: 'string', default: '4000' },
    corpus: { type: 'string' },
  },
});
const precision = values.precision === 'fp32' ? 'fp32' : 'int8';
const goal = precision === 'int8' ? 'G7' : 'G8';
const width = Math.min(2, availableParallelism());
const unit = 256;
const folder = fileURLToPath(new URL('../../.bench/embedding', import.meta.url));
const torchWeights = existsSync(path.join(values.model ?? '', 'model.safetensors'))
  ? ''
  : ', random weights of the same shape';
const name = path.basename(values.model ?? 'a model');
const { model: _, corpus: __, ...told } = values;
const session = await openSession(`embedding-${precision}`, { ...told, model: name });

const head = (peer: string, atLeast: number): RowHead => ({
  goal,
  metric: `texts a second, ${name} ${precision}`,
  peer,
  unit: 'x',
  measured: 'texts/s',
  target: { atLeast },
  checked: `cosine with the vectors of Python ONNX Runtime ${precision === 'fp32' ? 'at least 0.9999' : 'at least 0.9, on average 0.97 (int8 depends on what shares a batch)'}`,
});
const peers: readonly {
  readonly head: RowHead;
  readonly request: object;
  readonly needs: readonly string[];
}[] =
  precision === 'int8'
    ? [
        {
          head: head('Python ONNX Runtime, sorted, batch 64, 2 threads', 1.5),
          request: { do: 'onnx' },
          needs: ['onnxruntime', 'tokenizers'],
        },
        {
          head: head(`sentence-transformers fp32, batch 64, 2 threads${torchWeights}`, 6),
          request: { do: 'sentence_transformers', scratch: folder },
          needs: ['sentence_transformers'],
        },
        {
          head: head(`sentence-transformers bf16, batch 64, 2 threads${torchWeights}`, 1.9),
          request: { do: 'sentence_transformers', kind: 'bfloat16', scratch: folder },
          needs: ['sentence_transformers'],
        },
      ]
    : [
        {
          head: head('Python ONNX Runtime, sorted, batch 64, 2 threads', 1.25),
          request: { do: 'onnx' },
          needs: ['onnxruntime', 'tokenizers'],
        },
        {
          head: head(`sentence-transformers, batch 64, 2 threads${torchWeights}`, 1.25),
          request: { do: 'sentence_transformers', scratch: folder },
          needs: ['sentence_transformers'],
        },
      ];

const onnxNote =
  'nearly all of it is the work of ONNX Runtime on both sides, ours in onnxruntime-node, which is a release behind; most names here have few tokens, so sorting leaves little padding to save';

if (values.model === undefined)
  for (const { head } of peers) session.notRun(head, 'no model given (--model FOLDER)');
else await compare(path.resolve(values.model));
session.finish();

async function compare(model: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const texts = await corpus(Number(values.texts));
  const textFile = path.join(folder, 'texts.txt');
  await writeFile(textFile, texts.join('\n'));
  const request = {
    model: path.basename(model),
    precision,
    modelDir: path.dirname(model),
    cacheDir: folder,
    device: 'cpu',
    batchTokens: 512,
  } as const;
  const embedder = await openEmbedder(request, width);
  const running: {
    readonly request: object;
    readonly peer: Peer;
    readonly add: (own: number, other: number) => void;
  }[] = [];
  for (const { head, request: asked, needs } of peers) {
    const absent = lacking(...needs);
    if (absent !== undefined) {
      session.notRun(head, absent);
      continue;
    }
    const peer = await startPeer('embedding_peer.py');
    await ask(peer, { do: 'load', folder: model, texts: textFile, precision, threads: width });
    const row = session.row(head);
    if (asked === peers[0]?.request) row.note(onnxNote);
    running.push({
      request: asked,
      peer,
      add: (own, other) => row.round(texts.length / own, texts.length / other),
    });
  }
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const own = await ours(embedder, texts);
    for (const { request: asked, peer, add } of running) {
      const target = path.join(folder, 'peer.f32');
      const max_length = embedder.identity.maxLength;
      const { seconds, version } = await ask(peer, { ...asked, max_length, target });
      const isOnnx = 'do' in asked && asked.do === 'onnx';
      session.version(isOnnx ? 'onnxruntime (Python)' : 'sentence-transformers', version);
      if (round >= 0) add(own.seconds, seconds);
      else if (isOnnx) await check(own.vectors, texts.length, target);
    }
  }
  for (const { peer } of running) peer.close();
  await embedder.close();
}

interface Timed {
  readonly seconds: number;
  readonly version: string;
}

async function ask(peer: Peer, request: object): Promise<Timed> {
  const answer = (await peer.ask(request)) as Timed & { readonly error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** As a build does it: by length, in units, some at once. */
async function ours(
  from: Embedder,
  texts: readonly string[],
): Promise<{ readonly seconds: number; readonly vectors: Float32Array }> {
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

/** int8 depends on what shares a batch, so its vectors are near, not equal. */
async function check(own: Float32Array, count: number, file: string): Promise<void> {
  const bytes = await readFile(file);
  const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const dimension = own.length / count;
  const cosines: number[] = [];
  for (let start = 0; start < own.length; start += dimension) {
    let cosine = 0;
    for (let at = start; at < start + dimension; at += 1) cosine += own[at]! * theirs[at]!;
    cosines.push(cosine);
  }
  const [least, mean] = [Math.min(...cosines), cosines.reduce((sum, one) => sum + one, 0) / count];
  console.log(`  cosine with Python's vectors: least ${least.toFixed(5)}, mean ${mean.toFixed(5)}`);
  if (least < (precision === 'fp32' ? 0.9999 : 0.9) || mean < (precision === 'fp32' ? 0.9999 : 0.97))
    throw new Error('the vectors differ');
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
