import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Named, narrowerThanAsked } from '../../../src/search/hybrid/narrower.ts';

const named = (concept_id: number, key: string, overlap = 0.5): Named => ({ concept_id, key, overlap });

describe('a narrower text', () => {
  it('is another concept and more words that nobody asked for', () => {
    const texts = [
      named(1, 'injury of nerve'),
      named(2, 'injury of nerve sequela'),
      named(3, 'sequela injury of other nerve'),
      named(4, 'injury of nerve left', 0.7),
      named(5, 'injury of vein'),
      named(1, 'injury of nerve itself'),
      named(6, 'nerve of injury'),
    ];
    expect(narrowerThanAsked(texts)).toEqual([false, true, true, false, false, true, false]);
    expect(narrowerThanAsked([])).toEqual([]);
  });

  it('is found however many texts there are', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const text = fc.record({
      concept_id: fc.integer({ min: 1, max: 6 }),
      key: fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(' ')),
      overlap: fc.constantFrom(0, 0.5, 1),
    });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
        const sets = texts.map(({ key }) => new Set(key.split(' ')));
        const expected = texts.map((one, at) =>
          texts.some(
            (other, place) =>
              other.concept_id !== one.concept_id &&
              other.overlap >= one.overlap &&
              (sets[place]?.size ?? 0) < (sets[at]?.size ?? 0) &&
              [...(sets[place] ?? [])].every((word) => sets[at]?.has(word)),
          ),
        );
        expect(narrowerThanAsked(texts)).toEqual(expected);
      }),
    );
  });
});
