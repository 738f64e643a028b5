import { describe, expect, it } from 'vitest';
import { codeKey, matchAny, textKey, wordsOf } from '../../../src/search/lexical/normalise.ts';

describe('normal forms', () => {
  it('compare texts without case, accents and punctuation', () => {
    expect(textKey("  Ménière's  disease (disorder) ")).toBe('meniere s disease disorder');
    expect(textKey('—')).toBe('');
  });

  it('compare codes by letters and digits', () => {
    expect(codeKey(' e11.9')).toBe('E119');
  });

  it('give FTS5 nothing but quoted words', () => {
    expect(wordsOf('Pain NEAR pain "AND" *')).toEqual(['pain', 'near', 'and']);
    expect(matchAny(wordsOf('Pain NEAR pain "AND" *'))).toBe('"pain" OR "near" OR "and"');
    expect(wordsOf(Array.from({ length: 100 }, (_, at) => `w${at}`).join(' '))).toHaveLength(64);
  });
});
