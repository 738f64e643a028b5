// What int8 costs in quality: the same names and labelled queries embedded in fp32 and in int8, each searched exactly (G19).
// Concepts that a query asks for are all there; with --concepts the others are a seeded draw.
// usage: node test/bench/precision.ts --model FOLDER --vocabulary PATH --queries FILE[,FILE] [--concepts 0 (all)] [--busy]
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { openEmbedder } from '../../src/search/embed/open.ts';
import { createFlatWriter } from '../../src/search/vectors/flat-writer.ts';
import { openNative } from '../../src/search/vectors/native.ts';
import type { Anomalies } from '../../src/search/vocabulary/anomalies.ts';
import { openBundle } from '../../src/search/vocabulary/bundle.ts';
import { readConcepts, readSynonyms } from '../../src/search/vocabulary/read.ts';
import { cutVocabulary } from './cut.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';

const { values } = parseArgs({
  options: {
    ...commonOptions,
    model: { type: 'string' },
    vocabulary: { type: 'string' },
    queries: { type: 'string' },
    concepts: { type: 'string', default: '0' },
  },
});
const count = Number(values.concepts);
const name = basename(values.model ?? 'a model');
const { model: _, vocabulary: __, queries: ___, ...told } = values;
const session = await openSession('precision', { ...told, model: name });
const head = (metric: string, rest: Partial<RowHead>): RowHead => ({
  goal: 'G19',
  metric: `${name} int8 beside fp32: ${metric}`,
  peer: 'fp32, same model',
  unit: 'points',
  measured: '%',
  target: null,
  checked: 'both searched exactly, per concept the best of its names',
  ...rest,
});
const heads = {
  loss: head('recall@10 lost on labelled queries', { target: { atMost: 0.5 } }),
  overlap: head('overlap of the top 10', { unit: '', peer: '' }),
  canary: head('least cosine of a query embedded alone and in a batch', {
    unit: '',
    peer: '',
    target: { atLeast: 0.98 },
  }),
};
if (values.model === undefined || values.vocabulary === undefined || values.queries === undefined) {
  for (const one of Object.values(heads))
    session.notRun(one, 'not all given (--model FOLDER --vocabulary PATH --queries FILE)');
} else await compare(resolve(values.model), values.vocabulary, values.queries.split(','));
session.finish();

interface Query {
  readonly text: string;
  readonly concept: number;
}

interface Answers {
  /** The ten best concepts of each query. */
  readonly tops: readonly (readonly number[])[];
  readonly recall: number;
  readonly leastCosine: number;
}

async function compare(model: string, vocabulary: string, files: readonly string[]): Promise<void> {
  const folder = fileURLToPath(new URL('../../.bench/precision', import.meta.url));
  await mkdir(folder, { recursive: true });
  const sets = await Promise.all(files.map(readQueries));
  const gold = new Set(sets.flat().map(({ concept }) => concept));
  const cut = join(folder, `cut-${count}`);
  await cutVocabulary(vocabulary, cut, { concepts: count, always: gold });
  const texts = await readTexts(cut);
  const rows = {
    loss: session.row(heads.loss),
    overlap: session.row(heads.overlap),
    canary: session.row(heads.canary),
  };
  const found = { fp32: [] as Answers[], int8: [] as Answers[] };
  for (const precision of ['fp32', 'int8'] as const) {
    const request = {
      model: basename(model),
      precision,
      modelDir: dirname(model),
      cacheDir: folder,
      device: 'cpu',
      batchTokens: 512,
    } as const;
    const embedder = await openEmbedder(request, 2);
    const { dimension } = embedder.identity;
    const file = join(folder, `${basename(model)}-${precision}-${texts.length}.faiss`);
    if (!existsSync(file)) {
      const order = texts
        .map((_, at) => at)
        .toSorted((a, b) => texts[a]!.text.length - texts[b]!.text.length);
      const vectors = new Float32Array(texts.length * dimension);
      const units = Array.from({ length: Math.ceil(order.length / 256) }, (_, at) =>
        order.slice(at * 256, (at + 1) * 256),
      );
      const work = async () => {
        for (let unit = units.shift(); unit !== undefined; unit = units.shift()) {
          const made = await embedder.embed(unit.map((place) => texts[place]!.text));
          for (const [at, place] of unit.entries())
            vectors.set(made.subarray(at * dimension, (at + 1) * dimension), place * dimension);
        }
      };
      await Promise.all([work(), work(), work()]);
      const writer = await createFlatWriter(file, { dimension });
      await writer.append(vectors);
      await writer.finish();
    }
    const index = await openNative(file);
    for (const queries of sets) {
      const tops: number[][] = [];
      let [hit, leastCosine] = [0, 1];
      const together = await embedder.embed(queries.slice(0, 200).map(({ text }) => text));
      for (const [at, { text, concept }] of queries.entries()) {
        // Alone, as a search does it.
        const vector = await embedder.embed([text]);
        const { rows: best } = await index.search(vector, 100);
        const concepts = [...new Set(best.map((row) => texts[row]!.concept))].slice(0, 10);
        tops.push(concepts);
        if (concepts.includes(concept)) hit += 1;
        if (at < 200) {
          let cosine = 0;
          for (let i = 0; i < dimension; i += 1) cosine += vector[i]! * together[at * dimension + i]!;
          leastCosine = Math.min(leastCosine, cosine);
        }
      }
      found[precision].push({ tops, recall: (hit / queries.length) * 100, leastCosine });
    }
    await index.close();
    await embedder.close();
  }
  for (const [at, fp32] of found.fp32.entries()) {
    const int8 = found.int8[at]!;
    rows.loss.round(int8.recall, fp32.recall, fp32.recall - int8.recall);
    const shares = fp32.tops.map(
      (top, query) => top.filter((concept) => int8.tops[query]!.includes(concept)).length / top.length,
    );
    const overlap = shares.reduce((sum, one) => sum + one, 0) / shares.length;
    rows.overlap.round(overlap, null, overlap);
    rows.canary.round(int8.leastCosine, null, int8.leastCosine);
  }
  rows.loss.note(
    `a round is a file of queries (${sets.map(({ length }) => length).join(', ')}); ${texts.length.toLocaleString('en')} names of ${count === 0 ? 'all' : count} concepts`,
  );
  await writeFile(join(folder, 'recall.json'), JSON.stringify(found));
}

async function readQueries(file: string): Promise<Query[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(1);
  return lines.map((line) => {
    const [text = '', concept = ''] = line.split('\t');
    return { text, concept: Number(concept) };
  });
}

async function readTexts(folder: string): Promise<{ readonly text: string; readonly concept: number }[]> {
  const bundle = await openBundle(folder);
  const anomalies: Anomalies = new Map();
  const texts: { readonly text: string; readonly concept: number }[] = [];
  for await (const batch of readConcepts(bundle, { anomalies })) {
    for (const { concept_name, concept_id } of batch) texts.push({ text: concept_name, concept: concept_id });
  }
  if (bundle.tables.has('CONCEPT_SYNONYM')) {
    for await (const batch of readSynonyms(bundle, { anomalies })) {
      for (const { concept_synonym_name, concept_id } of batch)
        texts.push({ text: concept_synonym_name, concept: concept_id });
    }
  }
  await bundle.close();
  return texts;
}
