import { afterAll, describe, expect, it } from 'vitest';
import { runArms } from '../../../src/search/hybrid/arms.ts';
import { search } from '../../../src/search/hybrid/search.ts';
import type { OpenBuild } from '../../../src/search/index/open.ts';
import type { Filters } from '../../../src/search/lexical/filter.ts';
import { builtFrom, embedder, type Given, seeded } from './given.ts';

const open: OpenBuild[] = [];
afterAll(async () => {
  for (const build of open) await build.close();
});

async function given(concepts: readonly Given[]): Promise<OpenBuild> {
  const build = await builtFrom(concepts);
  open.push(build);
  return build;
}

const icd = (id: number, code: string, name: string): Given => ({
  id,
  fields: { concept_code: code, concept_name: name, vocabulary_id: 'ICD10CM', standard_concept: '' },
});

const diabetes: readonly Given[] = [
  icd(1, 'E11', 'Type 2 diabetes mellitus'),
  icd(2, 'E11.6', 'Type 2 diabetes mellitus with other complications'),
  icd(3, 'E11.65', 'Type 2 diabetes mellitus with hyperglycemia'),
  icd(4, 'E11.64', 'Type 2 diabetes mellitus with hypoglycemia'),
  icd(5, 'E11.9', 'Type 2 diabetes mellitus without complications'),
  icd(6, 'E110', 'Something spelled alike'),
  { id: 7, fields: { concept_code: 'E11.60', concept_name: 'Of another vocabulary' } },
  { id: 8, fields: { concept_name: 'Dystonia 9' } },
  {
    id: 9,
    fields: { concept_name: 'Myocardial infarction' },
    synonyms: ['Heart attack', 'Attack of the heart'],
  },
  { id: 10, fields: { concept_name: 'Vitamin E11.65 deficiency' } },
];

describe('search', () => {
  const ask = async (build: OpenBuild, q: string, filters: Filters = {}) =>
    (await search(build, embedder, { q, filters, limit: 20 })).hits;

  it.each([
    ['search', (build: OpenBuild) => ({ ...build.dense, search: () => Promise.reject(new Error('died')) })],
    ['scoring', (build: OpenBuild) => ({ ...build.dense, score: () => Promise.reject(new Error('died')) })],
  ])('answers by words alone, and says so, where the vector %s fails', async (_part, broken) => {
    const build = await given(diabetes);
    const request = { q: 'type 2 diabetes mellitus', filters: {}, limit: 20 };
    const answer = await search({ ...build, dense: broken(build) }, embedder, request);
    if (answer.denseFailure !== undefined) {
      expect(answer.arms).toEqual(['code', 'exact', 'lexical']);
      expect(answer.hits.every(({ match }) => match !== 'vector')).toBe(true);
    }
    expect(answer.hits[0]).toMatchObject({ concept_id: 1, match: 'name' });
  });

  it('answers by the other arms, and says so, where the words fail', async () => {
    const build = await given(diabetes);
    const byWords = () => Promise.reject(new Error('away'));
    const answer = await search({ ...build, words: { ...build.words, byWords } }, embedder, {
      q: 'heart attack',
      filters: {},
      limit: 20,
    });
    expect(answer).toMatchObject({ arms: ['code', 'exact', 'dense'], wordsFailure: new Error('away') });
    expect(answer.hits[0]).toMatchObject({ concept_id: 9, match: 'synonym', ranks: { exact: 1, dense: 1 } });
  });

  it('gives what an engine of words finds the rows of their names, where a filter lets them and they are there', async () => {
    const build = await given(diabetes);
    const found = [9, 1, 99, 8].map((concept_id, at) => ({ concept_id, score: 9 - at }));
    const words = { ...build.words, byWords: async () => found };
    const filters = { vocabulary_id: ['SNOMED'] };
    const { arms, rated } = await runArms({ ...build, words }, embedder, { q: 'attack', filters, limit: 9 });
    const rows = [9, 8].map((id) => build.lexical.termsOf([id])[0]?.row);
    expect(arms.lexical).toEqual([
      { concept_id: 9, row: rows[0], score: 9 },
      { concept_id: 8, row: rows[1], score: 6 },
    ]);
    expect(rated.map(({ concept_id }) => concept_id)).not.toContain(1);
  });

  it('answers a code with its concept, then its category, the nearest first, and with no noise', async () => {
    const build = await given(diabetes);
    for (const q of ['E11.65', ' e11.65', 'E1165']) {
      const hits = await ask(build, q);
      expect(hits.slice(0, 5).map(({ concept_code }) => concept_code)).toEqual([
        'E11.65',
        'E11.6',
        'E11.64',
        'E11',
        'E11.9',
      ]);
      expect(hits[0]).toMatchObject({ match: 'code', matched_text: 'E11.65', ranks: { code: 1 } });
      expect(hits.map(({ concept_id }) => concept_id)).not.toContain(8);
    }
    // A text with what was asked is no noise.
    expect((await ask(build, 'E11.65')).at(-1)).toMatchObject({ concept_id: 10, match: 'name' });
    expect((await ask(build, 'E11')).slice(0, 5).map(({ concept_code }) => concept_code)).toEqual([
      'E11',
      'E11.6',
      'E11.9',
      'E11.64',
      'E11.65',
    ]);
  });

  it('collapses a concept to its best text and says which', async () => {
    const build = await given(diabetes);
    const [first, ...others] = await ask(build, 'heart attack');
    expect(first).toMatchObject({
      concept_id: 9,
      concept_name: 'Myocardial infarction',
      matched_text: 'Heart attack',
      match: 'synonym',
      ranks: { exact: 1, lexical: 1, dense: 1 },
    });
    expect(others.map(({ concept_id }) => concept_id)).not.toContain(9);
    expect((await ask(build, 'hart atack'))[0]).toMatchObject({
      concept_id: 9,
      matched_text: 'Heart attack',
      match: 'vector',
    });
  });

  it('answers what holds no word with nothing', async () => {
    const build = await given(diabetes);
    expect(await ask(build, ' -- ')).toEqual([]);
  });

  it('narrows every arm before its best are taken', async () => {
    const build = await given(diabetes);
    expect(
      (await ask(build, 'E11.65', { standard_concept: ['S'] })).map(({ concept_id }) => concept_id),
    ).not.toContain(3);
    const hits = await ask(build, 'type 2 diabetes mellitus', { vocabulary_id: ['SNOMED'] });
    expect(hits.every(({ vocabulary_id }) => vocabulary_id === 'SNOMED')).toBe(true);
  });
});

describe('arms under random filters', () => {
  it('find what a search of every row finds', async () => {
    const random = seeded(7);
    const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const words = [
      'acute',
      'chronic',
      'pain',
      'of',
      'left',
      'right',
      'knee',
      'hip',
      'asthma',
      'fracture',
      'with',
      'fever',
    ];
    const phrase = (): string =>
      Array.from({ length: 2 + Math.floor(random() * 3) }, () => any(words)).join(' ');
    const concepts = Array.from({ length: 400 }, (_, index) => ({
      id: index + 1,
      fields: {
        concept_name: `${phrase()} ${index}`,
        vocabulary_id: any(['SNOMED', 'ICD10CM', 'RxNorm']),
        domain_id: any(['Condition', 'Drug']),
        standard_concept: any(['S', 'C', '']),
        invalid_reason: any(['', '', 'D']),
      },
      synonyms: random() < 0.3 ? [`${phrase()} ${index}`] : [],
    }));
    const build = await given(concepts);
    for (let round = 0; round < 30; round += 1) {
      const filters: Filters = {
        ...(random() < 0.6
          ? { vocabulary_id: [any(['SNOMED', 'icd10cm'])] }
          : { exclude_vocabulary_id: ['RxNorm'] }),
        ...(random() < 0.5 ? { domain_id: [any(['Condition', 'Drug'])] } : {}),
        ...(random() < 0.5 ? { standard_concept: [any(['S', 'C', 'none'])] } : {}),
        ...(random() < 0.5 ? { valid: random() < 0.5 } : {}),
      };
      const q = phrase();
      const { arms, rated } = await runArms(build, embedder, { q, filters, limit: 10 });
      const passing = concepts.filter(({ fields }) => passes(fields, filters));
      expect(new Set(arms.lexical.map(({ concept_id }) => concept_id))).toEqual(
        first100(build.lexical.byWords(q, 10_000, undefined), passing),
      );
      const everything = await build.dense.search(await embedder.embed([q]), build.dense.count);
      const all = everything.rows.map((row) => ({ concept_id: build.conceptIds[row]! }));
      const within = first100(all, passing);
      expect(new Set(arms.dense.map(({ concept_id }) => concept_id))).toEqual(within);
      const ids = new Set(passing.map(({ id }) => id));
      expect(rated.every(({ concept_id, score }) => ids.has(concept_id) && score >= 0 && score < 1)).toBe(
        true,
      );
    }
  });
});

function passes(fields: Given['fields'], filters: Filters): boolean {
  const among = (list: readonly string[] | undefined, value: string | undefined): boolean =>
    list === undefined || list.some((one) => one.toLowerCase() === value?.toLowerCase());
  return (
    among(filters.vocabulary_id, fields['vocabulary_id']) &&
    !(filters.exclude_vocabulary_id ?? []).includes(fields['vocabulary_id'] ?? '') &&
    among(filters.domain_id, fields['domain_id']) &&
    among(
      filters.standard_concept,
      fields['standard_concept'] === '' ? 'none' : fields['standard_concept'],
    ) &&
    (filters.valid === undefined || filters.valid === (fields['invalid_reason'] === ''))
  );
}

/** The first 100 concepts that pass. */
function first100(found: readonly { readonly concept_id: number }[], passing: readonly Given[]): Set<number> {
  const ids = new Set(passing.map(({ id }) => id));
  return new Set(
    [...new Set(found.map(({ concept_id }) => concept_id))].filter((id) => ids.has(id)).slice(0, 100),
  );
}
