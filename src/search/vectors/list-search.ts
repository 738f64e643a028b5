import type { DenseHits } from './dense.ts';
import type { FlatHeader } from './faiss-header.ts';
import { type FlatRows, openRows, strideOf } from './flat-rows.ts';
import type { IvfLayout } from './ivf-layout.ts';
import { createDotKernel } from './kernel.ts';
import type { ListQuestion } from './list-question.ts';
import { createListScan } from './list-scan.ts';
import { createListScorer, scorerScratch } from './list-scorer.ts';
import { type ListShard, loadLists } from './list-shard.ts';
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

/** Vectors looked at in one go. */
const BLOCK = 64;

/** Loads a thread's lists and answers questions about them: lists or rows, with their scores. */
export function createListSearch(data: ListSearchData): (question: ListQuestion) => DenseHits {
  const { layout } = data;
  const { dimension, coding } = layout;
  const stride = strideOf(dimension);
  const vectorsAt = scorerScratch(dimension, coding);
  const scratch = vectorsAt + (BLOCK + 1) * stride + 4 * BLOCK;
  const shard = loadLists({ layout, lists: data.lists, scratch, met: data.met });
  const scorer = createListScorer(shard, dimension, coding);
  const rows = data.vectors && openRows(data.vectors);
  const scan = createListScan(shard, scorer, { count: layout.count, precise: rows === undefined });
  const vectors = createVectorScores(shard, { vectorsAt, stride });

  return (question) => {
    if (question.kind === 'probe') return vectors.probe(question.query, question.probes);
    if (question.kind === 'scan') return scan.best(question);
    if (question.kind === 'search') {
      const { query, k, probes } = question;
      const lists = vectors.probe(query, probes);
      const found = scan.best({ kind: 'scan', query, k, lists, allowed: undefined });
      return rows ? bestFirst({ rows: found.rows, scores: vectors.ofRows(query, found.rows, rows) }) : found;
    }
    const { query, rows: asked } = question;
    return { rows: asked, scores: rows ? vectors.ofRows(query, asked, rows) : scan.scores(query, asked) };
  };
}

interface VectorScores {
  probe(query: Float32Array, probes: number): DenseHits;
  ofRows(query: Float32Array, asked: readonly number[], rows: FlatRows): number[];
}

/** Inner products with whole vectors: of centroids in memory, of rows in a file. */
function createVectorScores(
  shard: ListShard,
  { vectorsAt, stride }: { readonly vectorsAt: number; readonly stride: number },
): VectorScores {
  const { memory, lists, centroidsAt } = shard;
  const [blockAt, outAt] = [vectorsAt + stride, vectorsAt + (BLOCK + 1) * stride];
  const queryRoom = new Float32Array(memory.buffer, vectorsAt, stride / 4);
  const block = new Uint8Array(memory.buffer, blockAt, BLOCK * stride);
  const scores = new Float32Array(memory.buffer, outAt, BLOCK);
  const dots = createDotKernel(memory);
  return {
    probe(query, probes) {
      const best = createTopK(probes);
      queryRoom.set(query);
      for (let first = 0; first < lists.length; first += BLOCK) {
        const size = Math.min(BLOCK, lists.length - first);
        dots(vectorsAt, centroidsAt + first * stride, outAt, Math.ceil(size / 4), stride);
        for (let at = 0; at < size; at += 1) best.offer(lists[first + at]!, scores[at]!);
      }
      return best.hits();
    },
    ofRows(query, asked, rows) {
      queryRoom.set(query);
      const found: number[] = [];
      for (let first = 0; first < asked.length; first += BLOCK) {
        const size = Math.min(BLOCK, asked.length - first);
        for (let at = 0; at < size; at += 1) {
          rows.read(asked[first + at]!, 1, block.subarray(at * stride, (at + 1) * stride));
        }
        dots(vectorsAt, blockAt, outAt, Math.ceil(size / 4), stride);
        for (let at = 0; at < size; at += 1) found.push(scores[at]!);
      }
      return found;
    },
  };
}
