import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/search/eval/evaluate.ts';
import type { OpenBuild } from '../../../src/search/index/open.ts';
import { builtFrom, embedder } from '../hybrid/given.ts';

describe('evaluate', () => {
  let build: OpenBuild;
  beforeAll(async () => {
    build = await builtFrom([
      { id: 1, fields: { concept_name: 'myocardial infarction' }, synonyms: ['heart attack'] },
      { id: 2, fields: { concept_name: 'asthma' } },
      { id: 3, fields: { concept_name: 'hypothyroidism' } },
    ]);
  });
  afterAll(async () => {
    await build.close();
  });

  it('scores each arm on the queries as they are and misspelled', async () => {
    const done: number[] = [];
    const scores = await evaluate(build, embedder, {
      queries: [
        { query: 'attack heart', concept_id: 1 },
        { query: 'hypothyroidism', concept_id: 3 },
        { query: 'asthma', concept_id: 99 },
      ],
      progress: { update: (count) => done.push(count), say() {} },
    });
    expect(scores.map(({ arm, noise }) => `${arm} ${noise}`)).toEqual(
      ['none', 'misspelled'].flatMap((noise) => ['bm25', 'dense', 'hybrid'].map((arm) => `${arm} ${noise}`)),
    );
    const found = { recall_at_1: 2 / 3, recall_at_10: 2 / 3, mrr: 2 / 3, queries: 3 };
    for (const score of scores.slice(0, 3)) expect(score).toMatchObject(found);
    expect(scores.find(({ arm, noise }) => arm === 'hybrid' && noise === 'misspelled')).toMatchObject(found);
    expect(done.at(-1)).toBe(6);
  });
});
