import { describe, expect, it } from 'vitest';
import { misspell } from '../../../src/search/eval/typo.ts';

const queries = [
  'Myocardial infarction',
  'Type 2 diabetes mellitus',
  'GIT disease',
  'a',
  '',
  '12.5 mg',
  'Ménière',
];

describe('misspell', () => {
  it('is the same every time, and another with another seed', () => {
    const noisy = (seed: number) => queries.map((query) => misspell(query, seed));
    expect(noisy(1)).toEqual(noisy(1));
    expect(noisy(1)).not.toEqual(noisy(2));
    expect(misspell('Myocardial infarction', 20_261_121)).toBe('Myocarial infarcitoon');
  });

  it('keeps the first letter of each word, digits, and what has nothing to misspell', () => {
    for (const query of queries) {
      const before = query.split(' ').map((word) => word[0]);
      expect(
        misspell(query, 3)
          .split(' ')
          .map((word) => word[0]),
      ).toEqual(before);
    }
    for (const query of ['a', '', '12.5 7']) expect(misspell(query, 3)).toBe(query);
  });

  it('makes one slip for each started eight letters', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      expect(Math.abs(misspell('infarct', seed).length - 7)).toBeLessThanOrEqual(1);
      expect(Math.abs(misspell('hypothyroidism', seed).length - 14)).toBeLessThanOrEqual(2);
    }
  });
});
