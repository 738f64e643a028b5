import { describe, expect, it } from 'vitest';
import type { LexicalIndex } from '../../../src/search/lexical/reader.ts';
import { lexicalOf } from './given.ts';

const codes = (index: LexicalIndex, query: string, allowed?: Uint8Array) =>
  index
    .byCode(query, allowed)
    .map(({ concept_id, score }) => [index.concept(concept_id)?.concept_code, score]);

const of = (...list: readonly string[]) =>
  list.map((concept_code) => ({ concept_name: `name of ${concept_code}`, concept_code }));

describe('search by code', () => {
  it('takes a code whatever its case and punctuation, and no word for one', async () => {
    const index = await lexicalOf(of('E11.9', '73211009', 'DOID:9352', 'fever'));
    for (const query of ['E11.9', 'e119', ' E11-9 ']) expect(codes(index, query)).toEqual([['E11.9', 1]]);
    expect(codes(index, 'doid 9352')).toEqual([['DOID:9352', 1]]);
    expect(codes(index, '7321100')).toEqual([]);
    expect(codes(index, 'fever')).toEqual([]);
    expect(codes(index, '')).toEqual([]);
    index.close();
  });

  it('goes on with the category, from near to far, the wider first', async () => {
    const index = await lexicalOf(
      of('S72', 'S72.1', 'S72.0', 'S72.001A', 'S72.001', 'S72.001B', 'S72.00', 'S72.002', 'S720', 'S73.0'),
    );
    expect(codes(index, 's72.001a')).toEqual([
      ['S72.001A', 1],
      ['S72.001', 0.5],
      ['S72.001B', 0.5],
      ['S72.00', 0.5],
      ['S72.002', 0.5],
      ['S72.0', 0.5],
      ['S72', 0.5],
      ['S72.1', 0.5],
    ]);
    expect(codes(index, 'S72').slice(0, 4)).toEqual([
      ['S72', 1],
      ['S72.0', 0.5],
      ['S72.1', 0.5],
      ['S72.00', 0.5],
    ]);
    index.close();
  });

  it('prefers the same spelling, then standard and valid concepts, each with its own category', async () => {
    const index = await lexicalOf([
      { concept_name: 'a', concept_code: '2500', vocabulary_id: 'LOINC', invalid_reason: 'D' },
      { concept_name: 'b', concept_code: '25-00', vocabulary_id: 'LOINC' },
      { concept_name: 'c', concept_code: '250.0', vocabulary_id: 'ICD9CM', standard_concept: null },
      { concept_name: 'd', concept_code: '250.1', vocabulary_id: 'ICD9CM', standard_concept: null },
      { concept_name: 'e', concept_code: '250.2', vocabulary_id: 'other' },
    ]);
    expect(codes(index, '250.0').map(([code]) => code)).toEqual(['250.0', '25-00', '2500', '250.1']);
    expect(codes(index, '2500').map(([code]) => code)).toEqual(['2500', '25-00', '250.0', '250.1']);
    const icd = index.attributes.mask({ vocabulary_id: ['ICD9CM'] });
    expect(codes(index, '2500', icd).map(([code]) => code)).toEqual(['250.0', '250.1']);
    index.close();
  });
});
