import { rm } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KeyGate } from '../../../src/search/api/key-gate.ts';
import { type Limiter, localLimiter } from '../../../src/search/api/limiter.ts';
import { Problem } from '../../../src/search/api/problem.ts';
import { buildAndPublish, newPointer } from '../index/given.ts';
import { type Api, type Answer, brokenLimiter, startApi } from './given.ts';

let folder: string;
let pointer: string;
let id: string;
let api: Api;
beforeAll(async () => {
  ({ folder, pointer } = await newPointer());
  ({ id } = await buildAndPublish(pointer));
  api = await startApi(pointer, { corsOrigins: ['https://shop.example'] });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const found = ({ body }: Answer): number[] =>
  (body.hits as { concept_id: number }[]).map((hit) => hit.concept_id);

/** Every error is problem+json with the same six fields, and nothing more. */
function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.type).toMatch(/^application\/problem\+json/);
  expect(answer.body).toEqual({
    type: `urn:portiere:problem:${code}`,
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(answer.headers['x-request-id'] ?? answer.body.request_id).toBe(answer.body.request_id);
}

describe('GET /v1/search', () => {
  it('answers with concepts, why they were found and what answered', async () => {
    const answer = await api.get('/v1/search?q=heart%20attack&limit=2');
    expect(answer.status).toBe(200);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.body).toMatchObject({
      build: id,
      embedding: { provider: 'hashing', model: 'hashing-ngram' },
      arms: ['code', 'exact', 'lexical', 'dense'],
      took_ms: expect.any(Number),
      hits: [
        { concept_id: 2, match: 'synonym', matched_text: 'Heart attack', ranks: { exact: 1 } },
        expect.anything(),
      ],
    });
    expect(Object.keys(answer.body.embedding as object)).toEqual(['provider', 'model']);
  });

  it('finds a code whatever its case', async () => {
    expect(found(await api.get('/v1/search?q=i21.9'))[0]).toBe(3);
  });

  it.each([
    ['vocabulary_id=ICD10CM', [3]],
    ['vocabulary_id=ICD10CM&vocabulary_id=RxNorm', [3, 5]],
    ['exclude_vocabulary_id=SNOMED', [3, 5]],
    ['domain_id=Drug', [5]],
    ['concept_class_id=Clinical%20Finding', [4]],
    ['standard_concept=C', [1]],
    ['standard_concept=none', [3]],
    ['standard_concept=C&standard_concept=none', [1, 3]],
    ['valid=false', [6]],
    ['vocabulary_id=SNOMED&valid=true&standard_concept=S', [2, 4]],
    ['vocabulary_id=None', []],
  ])('%s narrows every arm before its top k', async (filter, ids) => {
    const answer = await api.get(`/v1/search?q=heart%20attack&${filter}`);
    expect(answer.status).toBe(200);
    expect(found(answer).toSorted((a, b) => a - b)).toEqual(ids);
  });

  it.each([
    ['no q', ''],
    ['an empty q', 'q='],
    ['a q of blanks', 'q=%20%20'],
    ['a q of 1,001 characters', `q=${'x'.repeat(1001)}`],
    ['q twice', 'q=a&q=b'],
    ['a limit of 0', 'q=a&limit=0'],
    ['a limit of 151', 'q=a&limit=151'],
    ['a limit that is no number', 'q=a&limit=many'],
    ['an unknown parameter', 'q=a&vocabulary=SNOMED'],
    ['an unknown standard_concept', 'q=a&standard_concept=X'],
    ['a valid that is neither', 'q=a&valid=perhaps'],
    ['65 vocabularies', `q=a${'&vocabulary_id=V'.repeat(65)}`],
  ])('refuses %s', async (_case, query) => {
    expectProblem(await api.get(`/v1/search?${query}`), 400, 'invalid_request');
  });

  it.each(['%00', '%F0%9F%92%8A', '"', "a' OR 1=1 --", 'a* NEAR(b) ^c:', 'x'.repeat(1000), '%E0%A4'])(
    'takes %j for a text like any other',
    async (q) => {
      expect((await api.get(`/v1/search?q=${q}`)).status).toBe(200);
    },
  );
});

describe('GET /v1/concepts', () => {
  it('shows a concept with what surrounds it, by id and by code', async () => {
    const expected = {
      build: id,
      concept: { concept_id: 2, concept_name: 'Myocardial infarction', invalid_reason: null },
      synonyms: ['Heart attack'],
      maps_to: [],
      ancestors: [{ concept_id: 1, min_levels_of_separation: 1 }],
    };
    expect((await api.get('/v1/concepts/2')).body).toMatchObject(expected);
    expect((await api.get('/v1/concepts/SNOMED/C2')).body).toMatchObject(expected);
    expect((await api.get('/v1/concepts/ICD10CM/I21.9')).body).toMatchObject({
      maps_to: [{ concept_id: 2, relationship_id: 'Maps to' }],
    });
  });

  it.each([
    ['/v1/concepts/99', 404, 'no_concept'],
    ['/v1/concepts/SNOMED/none', 404, 'no_concept'],
    ['/v1/concepts/abc', 400, 'invalid_request'],
    ['/v1/concepts/-1', 400, 'invalid_request'],
    ['/v1/concepts/99999999999999999', 400, 'invalid_request'],
    ['/v1/concepts/%00', 400, 'invalid_request'],
    ['/v1/nothing', 404, 'no_route'],
    ['/', 404, 'no_route'],
    ['/v1/concepts/%zz', 400, 'bad_request'],
    [`/v1/concepts/SNOMED/${'x'.repeat(300)}`, 414, 'bad_request'],
  ])('%s: %d %s', async (url, status, code) => {
    expectProblem(await api.get(url), status, code);
  });

  it('refuses other methods', async () => {
    const answer = await api.app.inject({ method: 'POST', url: '/v1/search', payload: { q: 'a' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  });
});

describe('the log', () => {
  it('has every request under its id, and never what was looked for', async () => {
    const { headers } = await api.get('/v1/search?q=private%20illness');
    await api.get('/v1/search?q=private%20illness&limit=0');
    const log = api.log.join('');
    expect(log).toContain(String(headers['x-request-id']));
    expect(log).toContain('"path":"/v1/search"');
    expect(log).not.toContain('private');
  });
});

describe('errors inside', () => {
  it('tell nothing internal', async () => {
    const broken = await startApi(pointer, {
      limiter: { ...brokenLimiter, take: () => Promise.reject(new Error('password=hunter22')) },
    });
    const answer = await broken.get('/v1/search?q=a');
    await broken.close();
    expect(broken.log.join('')).toContain(answer.body.request_id);
    expectProblem(answer, 500, 'internal');
    expect(JSON.stringify(answer)).not.toContain('hunter22');
  });
});

describe('rate limit', () => {
  it('answers 429 with retry-after, however the address is written, and leaves health alone', async () => {
    let time = 0;
    const limited = await startApi(pointer, { limiter: localLimiter(2, () => time) });
    try {
      expect((await limited.get('/v1/search?q=a')).status).toBe(200);
      time = 10_000;
      expect((await limited.get('/%76%31/concepts/2')).status).toBe(200);
      for (const url of ['/v1/search?q=a', '/%76%31/search?q=a', '/v1/nothing']) {
        const refused = await limited.get(url);
        expectProblem(refused, 429, 'rate_limited');
        expect(refused.headers['retry-after']).toBe('50');
      }
      expect((await limited.get('/health/ready')).status).toBe(200);
      time = 60_001;
      expect((await limited.get('/v1/search?q=a')).status).toBe(200);
      expect((await limited.get('/v1/search?q=a')).status).toBe(429);
    } finally {
      await limited.close();
    }
  });
});

describe('CORS', () => {
  it('lets in the configured origins only', async () => {
    const allowed = async (origin: string) =>
      (await api.get('/health', { origin })).headers['access-control-allow-origin'];
    expect(await allowed('https://shop.example')).toBe('https://shop.example');
    expect(await allowed('https://evil.example')).toBeUndefined();
  });

  it('answers what a browser asks before it sends a key', async () => {
    const ask = async (origin: string) =>
      await api.app.inject({ method: 'OPTIONS', url: '/v1/search?q=a', headers: { origin } });
    const answer = await ask('https://shop.example');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toContain('x-api-key');
    expect((await ask('https://evil.example')).statusCode).not.toBe(204);
  });
});

describe('GET /openapi.json and /metrics', () => {
  it('describe every route but themselves', async () => {
    const { body } = await api.get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths as object).sort()).toEqual([
      '/health',
      '/health/live',
      '/health/ready',
      '/v1/concepts/{id}',
      '/v1/concepts/{vocabulary}/{code}',
      '/v1/search',
    ]);
  });

  it('count by route, never by address', async () => {
    await api.get('/v1/concepts/2');
    await api.get('/none/such');
    const { body, type } = await api.get('/metrics');
    expect(type).toMatch(/^text\/plain/);
    expect(body).toContain('portiere_http_requests_total{route="/v1/concepts/:id",status="200"}');
    expect(body).toContain(`portiere_index_info{build="${id}",version="1.2.3"} 1`);
    expect(body).toContain('portiere_process_resident_memory_bytes 4096');
    expect(body).not.toContain('/none/such');
  });
});

describe('keys', () => {
  const gate: KeyGate = {
    async check({ 'x-api-key': key }) {
      if (key === 'right') return 'k1';
      throw new Problem(401, 'no_valid_key', 'This needs a valid API key.', { 'www-authenticate': 'Bearer' });
    },
  };

  it('are needed under /v1/ only, and are what the limit goes by', async () => {
    const clients: string[] = [];
    const limiter: Limiter = {
      ...brokenLimiter,
      async take(client) {
        clients.push(client);
        return { allowed: true, remaining: 1, retryAfter: 0 };
      },
    };
    const locked = await startApi(pointer, { keys: gate, limiter });
    try {
      for (const url of ['/v1/search?q=a', '/%76%31/search?q=a', '/v1/nothing']) {
        const refused = await locked.get(url);
        expectProblem(refused, 401, 'no_valid_key');
        expect(refused.headers['www-authenticate']).toBe('Bearer');
      }
      expect((await locked.get('/v1/search?q=a', { 'x-api-key': 'right' })).status).toBe(200);
      expect((await locked.get('/health')).status).toBe(200);
      // A refusal counts too, for the address it came from.
      expect(new Set(clients)).toEqual(new Set(['guess:127.0.0.1', 'key:k1']));
      const { body } = await locked.get('/openapi.json');
      expect(body.security).toEqual([{ bearer: [] }, { header: [] }]);
      expect((await locked.get('/metrics')).body).toContain('portiere_rate_limiter_degraded 1');
    } finally {
      await locked.close();
    }
  });
});

describe('behind a proxy', () => {
  it.each([
    [true, 'ip:10.0.0.7'],
    [false, 'ip:127.0.0.1'],
  ])(
    '(%s) the client is the last address that was forwarded, where there is one',
    async (behindProxy, client) => {
      const clients: string[] = [];
      const limiter: Limiter = {
        ...brokenLimiter,
        async take(one) {
          clients.push(one);
          return { allowed: true, remaining: 1, retryAfter: 0 };
        },
      };
      const proxied = await startApi(pointer, { behindProxy, limiter });
      await proxied.get('/v1/search?q=a', { 'x-forwarded-for': '1.2.3.4, 10.0.0.7' });
      await proxied.close();
      expect(clients).toEqual([client]);
    },
  );
});
