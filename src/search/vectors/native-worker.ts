import type { ByteQuestion } from './byte-scan.ts';
import type { DenseHits } from './dense.ts';
import { serve } from './serve.ts';
import { loadShard, type ShardRange } from './shard.ts';

/** What the worker is asked; `rows` are numbers of the index, `allowed` covers the worker's rows only. */
export type ShardQuestion = ByteQuestion | { readonly query: Float32Array; readonly rows: readonly number[] };

/** The best rows, or the scores asked for. */
export type ShardAnswer = DenseHits | { readonly scores: Float32Array };

serve<ShardRange>({
  name: ({ header }) => header.path,
  *open(range) {
    const shard = yield* loadShard(range);
    const answerAll = (questions: readonly ShardQuestion[]): ShardAnswer[] => {
      const searches = questions.filter((question) => 'k' in question);
      const hits = shard.search(searches)[Symbol.iterator]();
      return questions.map((question) =>
        'rows' in question ? { scores: shard.score(question.query, question.rows) } : hits.next().value!,
      );
    };
    return {
      answerAll,
      answer: (question: ShardQuestion) => answerAll([question])[0],
      close: () => shard.close(),
    };
  },
});
