import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LexicalIndex } from '../../../src/search/lexical/reader.ts';
import { lexicalOf } from './given.ts';

describe('search by words', () => {
  let index: LexicalIndex;
  beforeAll(async () => {
    // More terms with a frequent word than are affordable to rank.
    const many = Array.from({ length: 20_000 }, (_, at) => ({ concept_name: `disorder of site ${at}` }));
    index = await lexicalOf([
      ...many,
      { concept_name: 'Rhinolithiasis', synonyms: ['stone of the nose', 'nose stone', 'concrement of nose'] },
      { concept_name: 'kidney stone', vocabulary_id: 'ICD10CM' },
      { concept_name: 'Ménière disorder of ear', vocabulary_id: 'ICD10CM' },
    ]);
  });
  afterAll(() => index.close());
  const ids = (query: string, k = 10, allowed?: Uint8Array) =>
    index.byWords(query, k, allowed).map(({ concept_id }) => concept_id);

  it('finds any of the words, one term a concept, best first', () => {
    const hits = index.byWords('stone of nose', 10, undefined);
    expect(hits.map(({ concept_id }) => concept_id).slice(0, 2)).toEqual([20_001, 20_002]);
    expect(new Set(hits.map(({ concept_id }) => concept_id)).size).toBe(hits.length);
    expect(index.term(hits[0]!.row)?.text).toMatch(/stone/);
    expect(hits.every(({ score }, at) => at === 0 || score <= hits[at - 1]!.score)).toBe(true);
  });

  it('knows the terms of many concepts at once, in the order they are asked for, names first', () => {
    expect(index.termsOf([20_003, 7, 20_001]).map(({ concept_id, key }) => [concept_id, key])).toEqual([
      [20_003, 'meniere disorder of ear'],
      [7, 'disorder of site 6'],
      [20_001, 'rhinolithiasis'],
      [20_001, 'stone of the nose'],
      [20_001, 'nose stone'],
      [20_001, 'concrement of nose'],
    ]);
    expect(index.termsOf([])).toEqual([]);
    expect(index.termsOf([99])).toHaveLength(1);
    expect(index.termsOf([-1])).toEqual([]);
  });

  it('describes some rows in the order they are asked for, without those that are not there', () => {
    const rows = index.termsOf([20_001]).map(({ row }) => row);
    const described = index.described([rows[2]!, 3, 9_000_000, rows[0]!]);
    expect(described.map(({ row, kind, text, concept_id }) => [row, kind, text, concept_id])).toEqual([
      [rows[2], 'synonym', 'nose stone', 20_001],
      [3, 'name', 'disorder of site 3', 4],
      [rows[0], 'name', 'Rhinolithiasis', 20_001],
    ]);
    const { row: _, kind: __, text: ___, ...concept } = described[1]!;
    expect(concept).toEqual({ ...index.concept(4) });
    expect(index.described([])).toEqual([]);
  });

  it('reads words without case, accents and punctuation', () => {
    expect(ids('MENIERE')).toEqual([20_003]);
    expect(ids('"ménière" OR (x')).toEqual([20_003]);
    expect(ids(' -- ')).toEqual([]);
    expect(ids('unheard')).toEqual([]);
  });

  it('looks for frequent words where they are all there is', () => {
    expect(ids('disorder of site')).toHaveLength(10);
    expect(ids('of')).toHaveLength(10);
  });

  it('does not rank half of the index for what is left of a misspelled query', () => {
    expect(ids('rihnolithiasis of')).toEqual([]);
  });

  it('looks for frequent words where a filter lets nothing rarer pass', () => {
    const allowed = index.attributes.mask({ vocabulary_id: ['ICD10CM'] });
    expect(ids('rhinolithiasis of disorder', 10, allowed)).toEqual([20_003]);
    expect(ids('kidney stone of disorder', 10, allowed)).toEqual([20_002, 20_003]);
    expect(ids('kidney stone of disorder', 1, allowed)).toEqual([20_002]);
    expect(ids('unheard of', 10, allowed)).toEqual([20_003]);
  });

  it('counts the terms with a word', () => {
    expect([index.frequency('of'), index.frequency('nose'), index.frequency('unheard')]).toEqual([
      20_003, 3, 0,
    ]);
    expect(index.frequency('meniere')).toBe(1);
  });
});
