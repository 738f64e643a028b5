import { createByteScan } from './byte-scan.ts';
import type { DenseHits } from './dense.ts';
import type { FlatHeader } from './faiss-header.ts';
import { openRows, strideOf } from './flat-rows.ts';
import type { IvfLayout } from './ivf-layout.ts';
import { createDotKernel } from './kernel.ts';
import type { ListQuestion } from './list-question.ts';
import { createListScan } from './list-scan.ts';
import { createListScorer, scorerScratch } from './list-scorer.ts';
import { type ListShard, loadLists } from './list-shard.ts';
import { createRowScores, rowScratch } from './row-scores.ts';
import type { Steps } from './steps.ts';
import { bestFirst, createTopK } from './top-k.ts';

/** What a thread needs to hold its part of an inverted file. */
export interface ListSearchData {
  readonly layout: IvfLayout;
  readonly lists: Uint32Array;
  /** The flat file with every row, where there is one. */
  readonly vectors: FlatHeader | undefined;
  /** See ListsToLoad. */
  readonly met: Uint8Array;
}

/** A thread's lists, in memory. */
export interface ListSearch {
  /** Lists or rows, with their scores. */
  answer(question: ListQuestion): DenseHits;
  close(): void;
}

/** Loads a thread's lists. */
export function* openListSearch(data: ListSearchData): Steps<ListSearch> {
  const { layout } = data;
  const { dimension, coding } = layout;
  const vectorsAt = scorerScratch(dimension, coding);
  const scratch = vectorsAt + rowScratch(dimension);
  const shard = yield* loadLists({ layout, lists: data.lists, scratch, met: data.met });
  const scorer = yield* createListScorer(shard, dimension, coding);
  const probe = yield* createProbe(shard, { dimension, vectorsAt });
  const file = data.vectors && openRows(data.vectors);
  const rows = file && createRowScores(shard.memory, { dimension, at: vectorsAt, rows: file });
  const scan = createListScan(shard, scorer, { count: layout.count, precise: rows === undefined });

  const answer = (question: ListQuestion): DenseHits => {
    if (question.kind === 'probe') return probe(question.query, question.probes);
    if (question.kind === 'scan') return scan.best(question);
    if (question.kind === 'search') {
      const { query, k, probes } = question;
      const lists = probe(query, probes);
      const found = scan.best({ kind: 'scan', query, k, lists, allowed: undefined });
      return rows ? bestFirst({ rows: found.rows, scores: [...rows.of(query, found.rows)] }) : found;
    }
    const { query, rows: asked } = question;
    return { rows: asked, scores: rows ? [...rows.of(query, asked)] : scan.scores(query, asked) };
  };
  return { answer, close: () => file?.close() };
}

/** The nearest centroids of a query; uses the scratch that exact scores use too. */
function* createProbe(
  { memory, lists, centroidsAt }: ListShard,
  { dimension, vectorsAt }: { readonly dimension: number; readonly vectorsAt: number },
): Steps<(query: Float32Array, probes: number) => DenseHits> {
  const stride = strideOf(dimension);
  const centroids = new Uint8Array(memory.buffer, centroidsAt, lists.length * stride);
  const source = {
    dimension,
    count: lists.length,
    read: (first: number, count: number, into: Uint8Array) =>
      into.set(centroids.subarray(first * stride, (first + count) * stride)),
  };
  const scan = yield* createByteScan(source, 0);
  const outAt = vectorsAt + stride;
  const queryRoom = new Float32Array(memory.buffer, vectorsAt, stride / 4);
  const scores = new Float32Array(memory.buffer, outAt, 4);
  const dots = createDotKernel(memory);
  return (query, probes) => {
    const best = createTopK(probes);
    queryRoom.set(query);
    for (const place of scan.near([{ query, k: probes }])[0]!) {
      dots(vectorsAt, centroidsAt + place * stride, outAt, 1, stride);
      best.offer(lists[place]!, scores[0]!);
    }
    return best.hits();
  };
}
