import { afterEach, describe, expect, it } from 'vitest';

import { elasticsearchWords } from '../../../src/search/lexical/elasticsearch-words.ts';
import type { LexicalIndex } from '../../../src/search/lexical/reader.ts';
import { type FakeSearchEngine, fakeSearchEngine } from '../../support/search-engine.ts';
import { lexicalOf } from './given.ts';

let lexical: LexicalIndex | undefined;
afterEach(() => {
  lexical?.close();
});

async function given(): Promise<{
  engine: FakeSearchEngine;
  time: { now: number };
  arm: ReturnType<ReturnType<typeof elasticsearchWords>>;
}> {
  lexical = await lexicalOf([
    { concept_name: 'Asthma', synonyms: ['Wheezing'] },
    { concept_name: 'Severe asthma', vocabulary_id: 'ICD10CM' },
  ]);
  const engine = fakeSearchEngine();
  engine.indices.set(
    'concepts-b1',
    new Map([
      ['1', { concept_id: '1', concept_name: 'Asthma' }],
      ['2', { concept_id: '2', concept_name: 'Severe asthma' }],
      ['99', { concept_id: '99', concept_name: 'Asthma of another build' }],
    ]),
  );
  const time = { now: 0 };
  return { engine, time, arm: elasticsearchWords(engine, () => time.now)({ id: 'B1', lexical }) };
}
const question = { q: 'asthma', k: 10, filters: {}, allowed: undefined };

describe('words by a search engine', () => {
  it('asks the index of the open build', async () => {
    const { engine, arm } = await given();
    expect(await arm.byWords(question)).toEqual([
      { concept_id: 1, score: 10 },
      { concept_id: 2, score: 9.99 },
      { concept_id: 99, score: 9.98 },
    ]);
    expect(engine.searched.map(({ index }) => index)).toEqual(['concepts-b1']);
  });

  it('does not ask for what holds no word', async () => {
    const { engine, arm } = await given();
    expect(await arm.byWords({ ...question, q: '--' })).toEqual([]);
    expect(engine.searched).toEqual([]);
  });

  it('leaves an engine that failed alone for a second', async () => {
    const { engine, arm, time } = await given();
    engine.down = true;
    await expect(arm.byWords(question)).rejects.toMatchObject({ code: 'SEARCH_ENGINE_UNREACHABLE' });
    engine.down = false;
    time.now = 999;
    await expect(arm.byWords(question)).rejects.toMatchObject({ code: 'SEARCH_ENGINE_UNREACHABLE' });
    expect(engine.searched).toEqual([]);
    await arm.ping();
    time.now = 1_000;
    expect(await arm.byWords(question)).toHaveLength(3);
  });
});
