import { describe, expect, it } from 'vitest';
import { overlapWith } from '../../../src/search/hybrid/overlap.ts';

const frequencies = new Map([
  ['disease', 400],
  ['of', 900],
  ['the', 900],
  ['addison', 2],
]);
const rarity = { terms: 1000, frequency: (word: string) => frequencies.get(word) ?? 0 };

describe('overlap of a query with a text', () => {
  it('is 1 where every word occurs, in any order, and 0 where none does', () => {
    const overlap = overlapWith("Addison's disease", rarity);
    expect(overlap('disease of addison s')).toBeCloseTo(1, 9);
    expect(overlap('hypothyroidism')).toBe(0);
  });

  it('counts a rare word for more than a frequent one', () => {
    const overlap = overlapWith('addison disease', rarity);
    expect(overlap('addison crisis')).toBeGreaterThan(0.9);
    expect(overlap('disease of the skin')).toBeLessThan(0.1);
  });

  it('counts a misspelled word by how alike it is', () => {
    const overlap = overlapWith('adison diseaze', rarity);
    expect(overlap('addison disease')).toBeGreaterThan(0.5);
    expect(overlap('addison disease')).toBeLessThan(1);
    expect(overlap('madison square')).toBeLessThan(overlap('addison square'));
  });

  it('is 0 for a query or a text without words', () => {
    expect(overlapWith(' — ', rarity)('addison')).toBe(0);
    expect(overlapWith('addison', rarity)('')).toBe(0);
  });
});
