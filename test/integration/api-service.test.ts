import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { ask, type ApiAnswer } from '../support/api.ts';
import { killStrays, newProject, sample, type TestProject } from '../support/cli.ts';
import { smallVocabulary } from '../support/downloads.ts';

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

describe('what the API says of itself', () => {
  it('is OpenAPI 3.1 that is complete', async () => {
    const { body: document } = await get('/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/health',
        '/health/live',
        '/health/ready',
        '/v1/search',
        '/v1/concepts/{id}',
        '/v1/concepts/{vocabulary}/{code}',
      ]),
    );
    for (const [path, item] of Object.entries(document.paths as Record<string, { get: Operation }>)) {
      const { parameters = [], responses } = item.get;
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((one) => one.in === 'path');
      expect([path, declared.map((one) => one.name)]).toEqual([path, inPath]);
      for (const one of declared) expect(one.required).toBe(true);
      for (const response of Object.values(responses))
        expect(response.description).toEqual(expect.any(String));
    }
  });

  it('holds of what it answers', async () => {
    const { body: document } = await get('/openapi.json');
    for (const [path, template] of [
      ['/health', '/health'],
      ['/health/live', '/health/live'],
      ['/health/ready', '/health/ready'],
      ['/v1/search?q=diabetes&limit=150', '/v1/search'],
      ['/v1/search', '/v1/search'],
      ['/v1/concepts/2000000005', '/v1/concepts/{id}'],
      ['/v1/concepts/1', '/v1/concepts/{id}'],
      ['/v1/concepts/SampleSource/CL-E11', '/v1/concepts/{vocabulary}/{code}'],
    ] as const) {
      const { status, body } = await get(path);
      const { responses } = document.paths[template].get as Operation;
      const declared = responses[String(status)] ?? responses[`${String(status)[0]}XX`];
      const schema = Object.values(declared!.content)[0]!.schema;
      const parsed = z.fromJSONSchema(schema).safeParse(body);
      expect([path, parsed.error]).toEqual([path, undefined]);
      expect(Object.keys(body).filter((name) => !(name in (schema.properties ?? {})))).toEqual([]);
    }
  });

  it('is in metrics that Prometheus can read', async () => {
    const { headers, body } = await get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    const samples = body.split('\n').filter((line: string) => line !== '' && !line.startsWith('#'));
    for (const line of samples)
      expect(line).toMatch(/^[a-z_]+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? [0-9.e+-]+$/);
    expect(body).toMatch(/^portiere_http_requests_total\{route="\/v1\/search",status="200"\} \d+$/m);
    expect(body).toMatch(/^portiere_index_info\{build="\S+",version="0\.1\.0"\} 1$/m);
    expect(body).not.toContain('diabetes');
    if (isInstalled('promtool'))
      expect(execFileSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })).toBe('');
  });

  it('is not in its log: no query is', async () => {
    await search('q=embarrassing+disease');
    expect((await project.run(['logs', '--tail', '1000'])).stdout).not.toContain('embarrassing');
  });
});

describe('a swap of the build', () => {
  it('loses no request of several hundred', async () => {
    const other = await smallVocabulary(join(project.folder, 'other'), {
      1: 'Purple elephantiasis',
      2: 'Green elephantiasis',
    });
    const swaps = { done: false };
    const failures: unknown[] = [];
    const seen = new Map<string, { requests: number; from: Set<string> }>();
    const client = async (): Promise<void> => {
      while (!swaps.done) {
        const { status, body } = await search('q=elephantiasis');
        if (status !== 200) failures.push(body);
        const of = seen.get(body.build) ?? { requests: 0, from: new Set() };
        of.requests += 1;
        for (const hit of body.hits) of.from.add(hit.concept_id < 3 ? 'other' : 'sample');
        seen.set(body.build, of);
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client)).catch((error: unknown) =>
      failures.push(error),
    );
    for (const path of [other, sample, other])
      expect((await project.run(['up', '--vocabulary', path])).code).toBe(0);
    swaps.done = true;
    await clients;
    expect(failures).toEqual([]);
    expect([...seen.values()].map(({ from }) => [...from])).toEqual([
      ['sample'],
      ['other'],
      ['sample'],
      ['other'],
    ]);
    expect([...seen.values()].reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(300);
  });
});

describe('the rate limit', () => {
  it('answers 429 and when to come again', async () => {
    expect((await project.run(['up'], { env: { RATE_LIMIT_PER_MINUTE: '5' } })).code).toBe(0);
    for (let request = 0; request < 5; request++) expect((await search('q=pain')).status).toBe(200);
    const { status, headers, body } = await search('q=pain');
    expect({ status, body }).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', title: 'Too many requests' },
    });
    const after = Number(headers.get('retry-after'));
    expect(after).toBeGreaterThan(50);
    expect(after).toBeLessThanOrEqual(60);
    expect((await get('/health/ready')).status).toBe(200);
  });
});

/** What these tests read of an operation in the OpenAPI document. */
interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
      }
    >
  >;
}

type Schema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;

function isInstalled(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
