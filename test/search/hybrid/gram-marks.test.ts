import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gramMarks } from '../../../src/search/hybrid/gram-marks.ts';

/** The distinct pairs and triples of a text. */
function gramsOf(text: string): Set<string> {
  const at = Array.from({ length: text.length }, (_, place) => place);
  const grams = at.flatMap((start) => [text.slice(start, start + 2), text.slice(start, start + 3)]);
  return new Set(grams.filter((gram, index) => gram.length === 2 + (index % 2)));
}

describe('marks of grams', () => {
  it('never say less than two words share, nor more than one has', () => {
    const marks = gramMarks();
    const word = fc
      .oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[abc]*$/))
      .map((one) => ` ${one} `);
    fc.assert(
      fc.property(word, word, (one, other) => {
        const [ours, theirs] = [gramsOf(one), gramsOf(other)];
        expect(marks.mark(other)).toBeLessThanOrEqual(theirs.size);
        const places = marks.placesOf(ours);
        expect(places).toHaveLength(ours.size);
        expect(marks.marked(places)).toBeGreaterThanOrEqual(
          [...ours].filter((gram) => theirs.has(gram)).length,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('know words that have nothing in common by that', () => {
    const marks = gramMarks();
    marks.mark(' hypothyroidism ');
    expect(marks.marked(marks.placesOf(gramsOf(' fracture ')))).toBeLessThan(4);
  });
});
