import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Progress } from '../../../ports.ts';
import { buildDense } from '../../vectors/build.ts';
import type { DensePlan } from '../../vectors/plan.ts';
import { openDense } from '../../vectors/open.ts';
import { measureRecall } from '../../vectors/recall.ts';
import { tuneProbes } from '../../vectors/tune.ts';
import { type DenseWish, fileNames, type Manifest } from '../manifest.ts';

export interface DenseFigures {
  /** Lists looked into for a search; null for a kind without lists. */
  readonly nprobe: number | null;
  /** recall@10 against looking at every row, on misspelled texts of the vocabulary; null where every row is looked at. */
  readonly recall_at_10: number | null;
}

export interface DenseStage {
  readonly folder: string;
  readonly plan: DensePlan;
  readonly quality: 'standard' | 'high';
  readonly threads: number;
  /** Vectors near those that are there, as a search would bring them, one after the other. */
  readonly questions: () => Promise<Float32Array>;
  readonly progress: Progress;
}

/** What searching must find of what looking at every row finds. */
const targets = { standard: 0.95, high: 0.99 } as const;
const questions = 200;
const words = {
  train: 'steps of learning',
  assign: 'vectors put in lists',
  write: 'vectors written',
} as const;

/** Builds the planned index over the vectors and finds the fewest lists that reach the recall; Flat has nothing to build. */
export async function buildDenseIndex(stage: DenseStage): Promise<DenseFigures> {
  const { folder, plan, quality, threads, progress } = stage;
  if (plan.type === 'Flat') return { nprobe: null, recall_at_10: null };
  const vectors = path.join(folder, fileNames.vectors);
  const target = path.join(folder, fileNames.dense);
  await buildDense({
    vectors,
    target,
    plan,
    threads,
    progress: (done, total, what) => {
      progress.update(done, total, words[what]);
    },
  });
  const queries = await stage.questions();
  if (plan.type === 'HNSW') {
    const index = await openDense(target, { engine: 'auto', vectors });
    try {
      return { nprobe: null, recall_at_10: rounded(await measureRecall(index, vectors, queries, 10)) };
    } finally {
      await index.close();
    }
  }
  progress.say('choosing how many lists to look into');
  const { rerank } = plan;
  const { nprobe, recall } = await tuneProbes({
    path: target,
    vectors,
    queries,
    target: targets[quality],
    rerank,
  });
  return { nprobe, recall_at_10: rounded(recall) };
}

/** What a manifest says of the dense index. */
export function describeDense(
  { plan, wish, dimension, count }: Described,
  figures: DenseFigures,
): Manifest['dense'] {
  const { type, nlist, rerank, reason } = plan;
  return { type, metric: 'inner_product', dimension, count, nlist, rerank, reason, wish, ...figures };
}

interface Described {
  readonly plan: DensePlan;
  readonly wish: DenseWish;
  readonly dimension: number;
  readonly count: number;
}

/** Texts of the vocabulary as a hurried typist would ask for them: near what is there, and not on it. */
export function textQuestions(folder: string, terms: number): string[] {
  const lexical = new DatabaseSync(path.join(folder, fileNames.lexical), { readOnly: true });
  try {
    const read = lexical.prepare('SELECT text FROM term WHERE row = ?');
    return spread(terms).map((row) => hurried(String(read.get(row)?.['text'] ?? '')));
  } finally {
    lexical.close();
  }
}

/** Some hundred rows, spread evenly. */
export function spread(rows: number): number[] {
  const count = Math.min(questions, rows);
  return Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * rows) / count));
}

function rounded(recall: number): number {
  return Number(recall.toFixed(4));
}

/** Every word of five letters and more without its third. */
function hurried(text: string): string {
  return text.replaceAll(/(\p{L}{2})\p{L}(\p{L}{2})/gu, '$1$2');
}
