import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ask, type ApiAnswer } from '../support/api.ts';
import {
  download,
  hasDownload,
  killStrays,
  newProject,
  sample,
  type TestProject,
  until,
} from '../support/cli.ts';

let project: TestProject;
beforeAll(async () => {
  project = await newProject();
  expect((await project.run(['init', '--yes', '--name', 'api'])).code).toBe(0);
  expect((await project.run(['up'])).code).toBe(0);
});
afterAll(async () => {
  await project.run(['down']);
  await killStrays();
});

const get = async (path: string): Promise<ApiAnswer> => await ask(project, path);
const search = async (query: string): Promise<ApiAnswer> => await get(`/v1/search?${query}`);

describe('health', () => {
  it('is told in three depths', async () => {
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(await get('/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', version: '0.1.0', timestamp: time },
    });
    expect(await get('/health/live')).toMatchObject({ status: 200, body: { status: 'alive' } });
    const ready = await get('/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'ok', timestamp: time } });
    expect(ready.body.components.map(({ name, state }: Record<string, string>) => [name, state])).toEqual([
      ['postgres', 'ok'],
      ['rate_limiter', 'ok'],
      ['lexical', 'ok'],
      ['dense', 'ok'],
    ]);
  });
});

describe('search', () => {
  it('filters before it ranks', async () => {
    for (const [query, holds] of [
      ['vocabulary_id=SampleSource', { vocabulary_id: 'SampleSource' }],
      ['domain_id=Drug', { domain_id: 'Drug' }],
      ['concept_class_id=Symptom', { concept_class_id: 'Symptom' }],
      ['standard_concept=C', { standard_concept: 'C' }],
      ['standard_concept=none', { standard_concept: null }],
    ] as const) {
      const { body } = await search(`q=diabetes&limit=5&${query}`);
      expect([query, body.hits.length]).toEqual([query, 5]);
      for (const hit of body.hits) expect(hit).toMatchObject(holds);
    }
    const { body } = await search('q=diabetes&limit=150&valid=false');
    expect(body.hits).toHaveLength(3);
    for (const hit of body.hits) expect(hit.invalid_reason).toMatch(/^[DU]$/);
    const without = await search('q=type+2+diabetes&limit=150&exclude_vocabulary_id=Sample');
    for (const hit of without.body.hits) expect(hit.vocabulary_id).toBe('SampleSource');
  });

  it('takes a parameter more than once', async () => {
    const { body } = await search(
      'q=pain&limit=150&domain_id=Drug&domain_id=Measurement&standard_concept=S&standard_concept=none',
    );
    expect(new Set(body.hits.map((hit: { domain_id: string }) => hit.domain_id))).toEqual(
      new Set(['Drug', 'Measurement']),
    );
  });

  it('keeps to the limit and its bounds', async () => {
    expect((await search('q=pain')).body.hits).toHaveLength(20);
    expect((await search('q=pain&limit=1')).body.hits).toHaveLength(1);
    expect((await search('q=pain&limit=150')).body.hits).toHaveLength(150);
    for (const limit of ['0', '151', '-1', '1.5', 'many', ''])
      expect([limit, (await search(`q=pain&limit=${limit}`)).status]).toEqual([limit, 400]);
  });

  it.each([
    ['no q', 'limit=3'],
    ['an empty q', 'q='],
    ['a blank q', 'q=%20%20'],
    ['1,001 characters', `q=${'a'.repeat(1001)}`],
    ['an unknown parameter', 'q=pain&vocabulary=SNOMED'],
    ['two q', 'q=pain&q=ache'],
    ['another standard_concept', 'q=pain&standard_concept=X'],
    ['valid that is neither', 'q=pain&valid=perhaps'],
    ['an empty filter', 'q=pain&domain_id='],
  ])('refuses %s with a problem', async (_name, query) => {
    const { status, headers, body } = await search(query);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toEqual({
      type: 'urn:portiere:problem:invalid_request',
      title: 'Bad request',
      status: 400,
      code: 'invalid_request',
      detail: expect.any(String),
      request_id: headers.get('x-request-id'),
    });
  });

  it.each([
    '%00',
    'a%00b',
    '%22',
    "'%20OR%201=1",
    'NEAR(',
    '%2A',
    '%F0%9F%98%80',
    '%E2%80%AE',
    'a'.repeat(1000),
    '-',
    'AND',
    'concept_name:x',
    '%ff',
  ])('does not fall over %s', async (text) => {
    expect([200, 400]).toContain((await search(`q=${text}`)).status);
  });

  it.skipIf(!hasDownload)(
    `never leaves the vocabulary that is asked for${hasDownload ? '' : ' (SKIPPED: ../shared/data is absent)'}`,
    async () => {
      await serveBuildOf(download);
      for (const id of ['ICD10CM', 'DO', 'SYMP']) {
        const { body } = await search(`q=leukemia&limit=150&vocabulary_id=${id}`);
        expect(body.hits).toHaveLength(150);
        expect(new Set(body.hits.map((hit: { vocabulary_id: string }) => hit.vocabulary_id))).toEqual(
          new Set([id]),
        );
      }
      await serveBuildOf(sample);
    },
  );
});

/** Builds, and waits until it is the build that answers. */
async function serveBuildOf(vocabulary: string): Promise<void> {
  const { data } = await project.json(['index', 'build', '--vocabulary', vocabulary]);
  await until('the new build answers', async () => (await search('q=pain')).body.build === data.id, 30_000);
}

describe('a concept', () => {
  it('has its page, by id and by code', async () => {
    const byId = await get('/v1/concepts/2000001001');
    expect(byId).toMatchObject({
      status: 200,
      body: {
        concept: { concept_code: 'CL-E11', vocabulary_id: 'SampleSource', standard_concept: null },
        maps_to: [{ concept_id: 2_000_000_055, relationship_id: 'Maps to' }],
      },
    });
    expect((await get('/v1/concepts/SampleSource/CL-E11')).body).toEqual(byId.body);
    const standard = (await get('/v1/concepts/2000000005')).body;
    expect(standard.synonyms.length).toBeGreaterThan(0);
    expect(standard.ancestors).toContainEqual(
      expect.objectContaining({
        concept_id: 2_000_000_004,
        min_levels_of_separation: 1,
        max_levels_of_separation: 1,
      }),
    );
  });

  it.each([
    ['/v1/concepts/1', 404, 'no_concept'],
    ['/v1/concepts/abc', 400, 'invalid_request'],
    ['/v1/concepts/99999999999999999999', 400, 'invalid_request'],
    ['/v1/concepts/Sample/NOPE', 404, 'no_concept'],
    ['/v1/concepts/Sample/%00', 404, 'no_concept'],
    ['/nowhere', 404, 'no_route'],
  ])('%s is a problem %i', async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { status, code } });
  });

  it('refuses other methods', async () => {
    const response = await fetch(`http://127.0.0.1:${project.port}/v1/search?q=x`, { method: 'POST' });
    expect([404, 405]).toContain(response.status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });
});
