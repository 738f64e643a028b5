import { describe, expect, it } from 'vitest';

import { databaseSource } from '../../../src/search/populate/database-source.ts';
import { loadVocabulary, publishedVocabulary } from '../../../src/search/populate/load-vocabulary.ts';
import { gather } from '../../support/vocabulary.ts';
import { memorySource, quiet } from '../index/given.ts';
import { fakeDatabase } from './given.ts';

const begun = [/^INSERT INTO vocabulary_build/, [{ build_id: 7 }]] as const;

describe('loadVocabulary', () => {
  it('copies into partitions of its own, publishes them in one transaction, sweeps before and after', async () => {
    const database = fakeDatabase([begun, [/status <> 'published'/, [{ build_id: 3 }]]]);
    const loaded = await loadVocabulary(database, memorySource(), quiet);
    expect(loaded).toEqual({ build_id: 7, concepts: 6, synonyms: 4, relationships: 5, ancestors: 3 });
    const { log } = database;
    const first = (text: string): number => log.findIndex((line) => line.includes(text));
    const last = (text: string): number => log.findLastIndex((line) => line.includes(text));
    const order = [
      first('DROP TABLE IF EXISTS concept_b3'),
      first('INSERT INTO vocabulary_build'),
      first('CREATE TABLE concept_b7'),
      last('COPY concept_ancestor_b7'),
      first('ADD PRIMARY KEY'),
      first('BEGIN'),
      last('ATTACH PARTITION concept_ancestor_b7'),
      first("SET status = 'published'"),
      first('COMMIT'),
      last('DROP TABLE IF EXISTS concept_b3'),
    ];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(database.copied.get('COPY concept_b7 FROM STDIN')?.split('\n')[2]).toBe(
      '7\t3\tHeart attack, unspecified\tCondition\tICD10CM\tDisorder\t\\N\tI21.9\t1970-01-01\t2099-12-31\t\\N',
    );
  });

  it('publishes nothing where a table fails', async () => {
    const database = fakeDatabase([begun, [/^COPY concept_relationship/, new Error('disk')]]);
    await expect(loadVocabulary(database, memorySource(), quiet)).rejects.toThrow('disk');
    expect(database.log.join()).not.toContain('BEGIN');
  });

  it('rolls back a publication that fails, and passes its reason on', async () => {
    const lost = new Error('connection lost');
    const database = fakeDatabase([begun, [/ATTACH/, new Error('no lock')], [/^ROLLBACK/, lost]]);
    await expect(loadVocabulary(database, memorySource(), quiet)).rejects.toThrow('no lock');
    expect(database.log.at(-1)).toBe('ROLLBACK');
  });

  it('names a concept that is there twice', async () => {
    const twice = Object.assign(new Error('could not create unique index'), { code: '23505' });
    const database = fakeDatabase([begun, [/ADD PRIMARY KEY/, twice]]);
    await expect(loadVocabulary(database, memorySource(), quiet)).rejects.toMatchObject({
      code: 'VOCABULARY_ROWS',
    });
  });
});

describe('loadVocabulary beside another load', () => {
  it('is refused by the server', async () => {
    const database = fakeDatabase([[/pg_try_advisory_lock/, [{ got: false }]]]);
    await expect(loadVocabulary(database, memorySource(), quiet)).rejects.toMatchObject({ code: 'LOCKED' });
    expect(database.log).toHaveLength(1);
  });
});

describe('databaseSource', () => {
  const loaded = { build_id: 7, digest: 'aa', label: 'memory', version: 'v1', select: [] };
  const counted = [/GROUP BY 1/, [{ vocabulary_id: 'SNOMED', n: 3 }]] as const;

  it('reads the partitions of the published load in ranges of pages, holding no transaction', async () => {
    const database = fakeDatabase([
      [/FROM vocabulary_build/, [loaded]],
      counted,
      [/pg_relation_size/, [{ pages: 300 }]],
      [/ctid >= '\(0,0\)'/, [{ vocabulary_id: 'SNOMED' }, { vocabulary_id: 'LOINC' }]],
    ]);
    const source = await databaseSource(database, ['SNOMED']);
    expect(source).toMatchObject({
      kind: 'database',
      label: 'fake (load 7 of memory)',
      digest: 'aa',
      select: ['SNOMED'],
    });
    expect(await gather(source.concepts())).toEqual([{ vocabulary_id: 'SNOMED' }]);
    await source.close();
    expect(database.log.slice(-2)).toEqual([
      expect.stringMatching(/FROM concept_b7 WHERE ctid >= '\(0,0\)' AND ctid < '\(256,0\)'$/),
      expect.stringMatching(/FROM concept_b7 WHERE ctid >= '\(256,0\)' AND ctid < '\(512,0\)'$/),
    ]);
    expect(database.log.join()).not.toMatch(/BEGIN|DECLARE/);
  });

  it('says that the load was replaced while it was read', async () => {
    const gone = Object.assign(new Error('relation "concept_b7" does not exist'), { code: '42P01' });
    const database = fakeDatabase([[/FROM vocabulary_build/, [loaded]], counted, [/pg_relation_size/, gone]]);
    const source = await databaseSource(database, []);
    await expect(gather(source.concepts())).rejects.toMatchObject({ code: 'SOURCE_CHANGED', exitCode: 9 });
  });

  it.each([
    ['nothing is loaded', [], [], 'VOCABULARY_EMPTY'],
    ['a vocabulary is selected that is not loaded', ['SNOMED_CT'], [loaded], 'VOCABULARY_UNKNOWN'],
  ])('refuses where %s', async (_case, select, rows, code) => {
    const database = fakeDatabase([[/FROM vocabulary_build/, rows], counted]);
    await expect(databaseSource(database, select)).rejects.toMatchObject({ code });
  });
});

describe('publishedVocabulary', () => {
  it('is undefined where none is', async () => {
    expect(await publishedVocabulary(fakeDatabase())).toBeUndefined();
  });
});
