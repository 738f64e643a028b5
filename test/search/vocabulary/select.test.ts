import { describe, expect, it } from 'vitest';
import { checkSelection, checkYield, nearest } from '../../../src/search/vocabulary/select.ts';

const known = [
  'SNOMED',
  'SNOMED Veterinary',
  'ICD10CM',
  'ICD10',
  'ICD9CM',
  'RxNorm',
  'RxNorm Extension',
  'LOINC',
  'MeSH',
  'CPT4',
  'ATC',
];

describe('nearest', () => {
  it.each([
    ['SNOMED_CT', 'SNOMED'],
    ['SNOMED-CT', 'SNOMED'],
    ['snomed', 'SNOMED'],
    ['ICD10-CM', 'ICD10CM'],
    ['ICD-10', 'ICD10'],
    ['icd 9 cm', 'ICD9CM'],
    ['RXNORM', 'RxNorm'],
    ['RxNormExt', 'RxNorm Extension'],
    ['LIONC', 'LOINC'],
    ['MSH', 'MeSH'],
    ['CPT', 'CPT4'],
    ['Gemscript', undefined],
    ['___', undefined],
    ['', undefined],
  ])('%s -> %s', (id, expected) => {
    expect(nearest(id, known)).toBe(expected);
  });
});

describe('checkSelection', () => {
  it('gives the ids back, each once', () => {
    expect(checkSelection(['MeSH', 'SNOMED', 'MeSH'], known)).toEqual(['MeSH', 'SNOMED']);
    expect(checkSelection([], known)).toEqual([]);
  });

  it('names the unknown one, the nearest, and all there are', () => {
    expect(() => checkSelection(['SNOMED_CT', 'MeSH'], known)).toThrow(
      expect.objectContaining({
        code: 'VOCABULARY_UNKNOWN',
        message: 'This bundle has no vocabulary "SNOMED_CT"; did you mean SNOMED?',
        hint: expect.stringContaining('ATC, CPT4, ICD10') as string,
        problems: [{ path: 'SNOMED_CT', reason: expect.any(String) as string, suggestion: 'SNOMED' }],
      }) as Error,
    );
    expect(() => checkSelection(['x', 'y'], known)).toThrow('does not have these vocabularies: x, y');
  });
});

describe('checkYield', () => {
  const counts = new Map([
    ['SNOMED', 3],
    ['MeSH', 0],
  ]);

  it('accepts a selection that gave concepts', () => {
    expect(() => checkYield(['SNOMED'], counts)).not.toThrow();
    expect(() => checkYield([], counts)).not.toThrow();
  });

  it('VOCABULARY_EMPTY names those that gave none', () => {
    expect(() => checkYield(['SNOMED', 'MeSH', 'ICD10CM'], counts)).toThrow(
      expect.objectContaining({
        code: 'VOCABULARY_EMPTY',
        message: 'Selected but without a single usable concept in CONCEPT.csv: MeSH, ICD10CM.',
        hint: expect.stringContaining('(SNOMED)') as string,
      }) as Error,
    );
    expect(() => checkYield([], new Map())).toThrow('CONCEPT.csv holds no usable concept.');
  });
});
