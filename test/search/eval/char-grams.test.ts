import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CharGrams, charGramsOf } from '../../../src/search/eval/char-grams.ts';
import { reciprocalRanks } from '../../../src/search/eval/reciprocal.ts';
import type { OpenBuild } from '../../../src/search/index/open.ts';
import { builtFrom } from '../hybrid/given.ts';

describe('character grams', () => {
  let build: OpenBuild;
  let grams: CharGrams | undefined;
  beforeAll(async () => {
    build = await builtFrom([
      { id: 1, fields: { concept_name: 'myocardial infarction' }, synonyms: ['heart attack'] },
      { id: 2, fields: { concept_name: 'asthma' } },
      { id: 3, fields: { concept_name: 'cerebral infarction' } },
    ]);
    grams = await charGramsOf(build.lexical);
  });
  afterAll(async () => {
    await build.close();
  });

  it('find what is spelled alike, a concept once, the nearest first', () => {
    const ids = (query: string): number[] => grams?.best(query, 10).map(({ concept_id }) => concept_id) ?? [];
    expect(ids('cerebral infarctoin')).toEqual([3, 1]);
    expect(ids('ATTACK, heart')).toEqual([1]);
    expect(ids('xyz')).toEqual([]);
    expect(grams?.best('asthma', 1)).toMatchObject([
      { concept_id: 2, score: expect.closeTo(1, 5) as number },
    ]);
  });

  it('are left out where there are too many texts', async () => {
    const { lexical } = build;
    const many = { ...lexical, attributes: { ...lexical.attributes, count: 1_000_001 } };
    expect(await charGramsOf(many)).toBeUndefined();
  });
});

describe('plain reciprocal ranks', () => {
  it('add up over words and vectors; ties go to the lower id', () => {
    const hits = (...ids: number[]) => ids.map((concept_id) => ({ concept_id, row: 0, score: 1 }));
    const arms = { code: hits(9), exact: hits(9), lexical: hits(1, 2, 4), dense: hits(3, 2) };
    expect(reciprocalRanks({ arms }).map(({ concept_id }) => concept_id)).toEqual([2, 1, 3, 4]);
  });
});
