import { describe, expect, it } from 'vitest';

import { wordQuery } from '../../../src/search/lexical/elasticsearch-query.ts';

const ask = (q: string, filters = {}) =>
  wordQuery({ q, k: 100, filters }) as { query: { bool: Record<string, unknown> } };

describe('the body of a search by words', () => {
  it('holds the text as a value of match, never as syntax, and at most 64 words of it', () => {
    expect(ask('type 2 "diabetes" AND (x:y)')).toMatchObject({
      size: 100,
      query: { bool: { must: { multi_match: { query: 'type 2 diabetes AND x y', type: 'best_fields' } } } },
    });
    const long = JSON.stringify(ask('word '.repeat(200)));
    expect(long.match(/word/g)).toHaveLength(64);
    expect(JSON.stringify(ask('a'))).not.toContain('query_string');
  });

  it.each(['', '  ', ' -- ', '"*'])('is not there for %j, which holds no word', (q) => {
    expect(wordQuery({ q, k: 1, filters: {} })).toBeUndefined();
  });

  it('keeps accents, apostrophes and numbers in their words', () => {
    expect(JSON.stringify(ask("Sjögren's 1.5 mg"))).toContain("Sjögren's 1.5 mg");
  });

  it('narrows by clauses that rank nothing, whatever their case', () => {
    expect(ask('a').query.bool).toEqual({ must: expect.anything() });
    const { bool } = ask('a', {
      vocabulary_id: ['SNOMED'],
      exclude_vocabulary_id: ['RxNorm'],
      standard_concept: ['S', 'none'],
      valid: true,
    }).query;
    const term = (field: string, value: string) => ({ term: { [field]: { value, case_insensitive: true } } });
    expect(bool).toMatchObject({
      filter: [
        { bool: { should: [term('vocabulary_id', 'SNOMED')], minimum_should_match: 1 } },
        {
          bool: {
            should: [
              term('standard_concept', 'S'),
              { bool: { must_not: { exists: { field: 'standard_concept' } } } },
            ],
          },
        },
      ],
      must_not: [
        { bool: { should: [term('vocabulary_id', 'RxNorm')] } },
        { exists: { field: 'invalid_reason' } },
      ],
    });
    expect(ask('a', { valid: false }).query.bool['filter']).toEqual([
      { exists: { field: 'invalid_reason' } },
    ]);
  });
});
