import { describe, expect, it } from 'vitest';
import { abbreviate, abbreviations } from '../../../src/search/eval/abbreviations.ts';
import { noiseKinds, withNoise } from '../../../src/search/eval/noise.ts';

const seed = 7;

describe('noise', () => {
  it('is the same each time, and nothing where it changes nothing', () => {
    const queries = ['Acute pain in left knee without fracture', 'ASTHMA', 'a', '12.5 7', ''];
    for (const kind of noiseKinds) {
      for (const query of queries) {
        const noisy = withNoise(kind, query, seed);
        expect(withNoise(kind, query, seed)).toBe(noisy);
        if (kind !== 'none') expect(noisy).not.toBe(query);
      }
    }
    expect(noiseKinds.map((kind) => withNoise(kind, '12.5', seed))).toEqual([
      '12.5',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('writes another case', () => {
    expect(withNoise('case', 'Heart attack', seed)).toBe('HEART ATTACK');
    expect(withNoise('case', 'ASTHMA', seed)).toBe('asthma');
  });

  it('keeps the words of another order', () => {
    for (const query of ['heart attack', 'acute pain in left knee', 'pain pain knee']) {
      const noisy = withNoise('order', query, seed) ?? '';
      expect(noisy.split(' ').toSorted()).toEqual(query.split(' ').toSorted());
      expect(noisy).not.toBe(query);
    }
    expect(withNoise('order', 'pain pain', seed)).toBeUndefined();
  });
});

describe('abbreviations', () => {
  it('apply to whole words, the longest first, whatever their case', () => {
    expect(abbreviate('Acute myocardial  infarction without history of CHRONIC pain')).toBe(
      'ac MI w/o h/o chr pain',
    );
    expect(abbreviate('withdrawal, acutely, cleft')).toBe('withdrawal, acutely, cleft');
    expect(abbreviate('pain (left), with-out')).toBe('pain (L), w/-out');
  });

  it('have each term once, none hidden behind an earlier part of it', () => {
    const longs = abbreviations.map(([long]) => long);
    expect(new Set(longs).size).toBe(longs.length);
    for (const [long, short] of abbreviations) expect(abbreviate(long)).toBe(short);
  });
});
