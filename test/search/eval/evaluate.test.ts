import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, type Findings } from '../../../src/search/eval/evaluate.ts';
import { noiseKinds } from '../../../src/search/eval/noise.ts';
import type { OpenBuild } from '../../../src/search/index/open.ts';
import { builtFrom, embedder } from '../hybrid/given.ts';

const queries = [
  { query: 'attack heart', concept_id: 1, slice: 'easy' },
  { query: 'hypothyroidism', concept_id: 3, slice: 'easy' },
  { query: 'asthma', concept_id: 99, slice: 'absent' },
];

describe('evaluate', () => {
  let build: OpenBuild;
  const done: number[] = [];
  let findings: Findings;
  beforeAll(async () => {
    build = await builtFrom([
      { id: 1, fields: { concept_name: 'myocardial infarction' }, synonyms: ['heart attack'] },
      { id: 2, fields: { concept_name: 'asthma' } },
      { id: 3, fields: { concept_name: 'hypothyroidism', vocabulary_id: 'ICD10CM' } },
    ]);
    const progress = { update: (count: number) => done.push(count), say() {} };
    findings = await evaluate(build, embedder, { queries, noise: noiseKinds, tune: true, progress });
  });
  afterAll(async () => {
    await build.close();
  });

  const of = (noise: string, by: string, name = '') =>
    findings.scores.find((one) => one.noise === noise && one.by === by && one.name === name);

  it('scores every arm and their union on all queries', () => {
    const found = {
      recall_at_1: 2 / 3,
      recall_at_5: 2 / 3,
      recall_at_10: 2 / 3,
      recall_at_50: 2 / 3,
      mrr: 2 / 3,
    };
    expect(of('none', 'all')).toEqual({
      by: 'all',
      name: '',
      noise: 'none',
      queries: 3,
      arms: { bm25: found, dense: found, hybrid: found },
      union: found,
      peers: { rrf: found, char_grams: found },
      undisturbed: null,
      gain: null,
    });
    expect(findings.absent).toBe(1);
  });

  it('counts a query under a kind of noise only where that kind changes it', () => {
    const asked = noiseKinds.map((kind) => [kind, of(kind, 'all')?.queries]);
    expect(asked).toEqual([
      ['none', 3],
      ['typo', 3],
      ['case', 3],
      ['order', 1],
      ['abbreviation', undefined],
    ]);
    expect(of('order', 'all')).toMatchObject({ undisturbed: 1, arms: { hybrid: { recall_at_10: 1 } } });
    expect(done.at(-1)).toBe(10);
  });

  it('slices by the file, by the vocabulary of the concept and by length', () => {
    const slices = findings.scores.filter(({ noise }) => noise === 'none');
    expect(slices.map(({ by, name, queries }) => `${by} ${name} ${queries}`)).toEqual([
      'all  3',
      'half dev 2',
      'half test 1',
      'file easy 2',
      'file absent 1',
      'vocabulary ICD10CM 1',
      'vocabulary not in the build 1',
      'vocabulary SNOMED 1',
      'words 1 word 2',
      'words 2-3 words 1',
    ]);
    expect(of('none', 'file', 'absent')?.arms.hybrid.mrr).toBe(0);
  });

  it('times every arm, and says what was measured', () => {
    expect(findings.latency.map(({ arm, requests }) => [arm, requests])).toEqual([
      ['bm25', 3],
      ['dense', 3],
      ['hybrid', 3],
    ]);
    for (const { p50, p95, p99 } of findings.latency) {
      expect(p50).toBeGreaterThan(0);
      expect([p50, p95, p99]).toEqual([p50, p95, p99].toSorted((a, b) => a - b));
    }
    expect(findings).toMatchObject({
      build: build.manifest.id,
      embedding: { provider: 'hashing' },
      dense: { engine: 'native', count: 4, dimension: 64 },
      words: 'sqlite-fts5',
      weights: { overlap: 0.6, words: 0 },
      noise: noiseKinds,
    });
  });

  it('gives the same figures every time', async () => {
    const again = await evaluate(build, embedder, {
      queries,
      noise: noiseKinds,
      tune: true,
      progress: { update() {}, say() {} },
    });
    expect({ ...again, latency: [] }).toEqual({ ...findings, latency: [] });
  });

  it('ends with the reason of an arm that does not answer', async () => {
    const broken: OpenBuild = {
      ...build,
      words: { ...build.words, byWords: async () => await Promise.reject(new Error('no words')) },
    };
    const wish = { queries, noise: ['none'], tune: false, progress: { update() {}, say() {} } } as const;
    await expect(evaluate(broken, embedder, wish)).rejects.toThrow('no words');
  });
});
