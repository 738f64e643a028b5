import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  collectionOf,
  filterExpression,
  isBuildCollection,
} from '../../../src/search/stores/milvus-vectors.ts';

describe('filters in the language of Milvus', () => {
  it('are one expression of all that narrows, folded as the rows are', () => {
    expect(filterExpression({})).toBe('');
    expect(filterExpression({ domain_id: [] })).toBe('');
    expect(
      filterExpression({
        vocabulary_id: ['SNOMED', 'RxNorm'],
        exclude_vocabulary_id: ['ICD10CM'],
        standard_concept: ['S', 'none'],
        valid: true,
      }),
    ).toBe(
      'vocabulary_id in ["snomed", "rxnorm"] and standard_concept in ["s", "none"] and not (vocabulary_id in ["icd10cm"]) and valid == true',
    );
  });

  it('hold whatever is asked for inside of quotes, in plain signs', () => {
    expect(filterExpression({ domain_id: ['a"] or row >= 0 or domain_id in ["b', '\\', 'é\n'] })).toBe(
      String.raw`domain_id in ["a\"] or row >= 0 or domain_id in [\"b", "\\", "\u00e9\n"]`,
    );
    expect(filterExpression({ domain_id: ['\u{1f600}', `${'x'.repeat(255)}\u{1f600}`] })).toBe(
      String.raw`domain_id in ["\U0001f600", "${'x'.repeat(255)}\ufffd"]`,
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1 }), (values) => {
        const expression = filterExpression({ domain_id: values });
        expect(expression).toMatch(/^domain_id in \[[\x20-\x7e]*\]$/);
        // Without its literals nothing is left but the frame.
        const frame = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"');
        expect(frame).toBe(`domain_id in [${values.map(() => '"').join(', ')}]`);
        // JSON has no number of eight digits.
        const json = expression
          .slice('domain_id in '.length)
          .replaceAll(/\\(?:U([0-9a-f]{8})|.)/g, (literal, digits?: string) =>
            digits === undefined ? literal : String.fromCodePoint(Number.parseInt(digits, 16)),
          );
        const literals = JSON.parse(json) as string[];
        expect(literals).toEqual(values.map((value) => value.toLowerCase().slice(0, 256).toWellFormed()));
      }),
    );
  });
});

describe('collections', () => {
  it('are named by their build, and told from those of others', () => {
    const name = collectionOf('20260101T000000000Z-feedfeed', 'concepts');
    expect(name).toBe('concepts_20260101t000000000z_feedfeed');
    expect([name, `${name}_loading`].every((one) => isBuildCollection(one, 'concepts'))).toBe(true);
    for (const other of ['concepts', 'concepts_mine', `${name}_copy`, name.replace('concepts', 'others')])
      expect(isBuildCollection(other, 'concepts')).toBe(false);
  });
});
