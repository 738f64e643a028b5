import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import type { SearchEngine, SearchEngineTarget } from '../../src/ports/search-engine.ts';
import { bulkLines } from '../support/bulk-lines.ts';

type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};
interface Asked {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

let server: Server;
let engine: SearchEngine | undefined;
const asked: Asked[] = [];
beforeEach(() => {
  server = createServer();
});
afterEach(async () => {
  asked.length = 0;
  await engine?.close();
  engine = undefined;
  server.closeAllConnections();
  server.close();
});

/** A server that greets as a version and answers everything else with `answer`. */
async function given(
  greeting: Answer,
  answer: Answer | ((method: string) => Answer) = {},
  target: Partial<SearchEngineTarget> = {},
): Promise<SearchEngine> {
  const write = (response: ServerResponse, { status = 200, body = {}, headers = elastic }: Answer): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  server.close();
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers });
    request.resume().on('end', () => {
      const told = typeof answer === 'function' ? answer(request.method ?? '') : answer;
      write(response, request.url === '/' ? greeting : told);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  engine = await searchEngines.connect({ url: `http://127.0.0.1:${port}`, timeout: 500, ...target });
  return engine;
}

const elastic = { 'x-elastic-product': 'Elasticsearch' };
const version = (number: string): Answer => ({
  body: { version: { number }, tagline: 'You Know, for Search' },
});

describe('an index that is there already', () => {
  const exists = { error: { type: 'resource_already_exists_exception', reason: 'index [i] already exists' } };
  const found = { i: { settings: { index: { uuid: 'u' } }, mappings: { _meta: { build: 'b1' } } } };
  const answers = (method: string): Answer =>
    method === 'PUT' ? { status: 400, body: exists } : { body: found };

  it('was made by a node that was lost before it said so, where it is the same', async () => {
    const engine = await given(version('9.4.3'), answers);
    await engine.createIndex('i', { mappings: { _meta: { build: 'b1' } } });
  });

  it.each([{ mappings: { _meta: { build: 'b2' } } }, {}])(
    'is refused where it is another: %j',
    async (body) => {
      const engine = await given(version('9.4.3'), answers);
      await expect(engine.createIndex('i', body)).rejects.toMatchObject({ code: 'SEARCH_ENGINE_REFUSED' });
    },
  );
});

describe('the first call', () => {
  it.each([
    ['8.16.6', 8],
    ['9.4.3', 9],
  ])('asks a server %s for its version, and speaks to it in form %d from then on', async (number, form) => {
    const engine = await given(version(number), { body: { status: 'green' } });
    expect(await engine.health()).toBe('green');
    expect(await engine.health()).toBe('green');
    expect(await engine.info()).toEqual({ version: number });
    expect(asked.map(({ url }) => url)).toEqual(['/', '/_cluster/health', '/_cluster/health']);
    expect(asked[1]?.headers.accept).toBe(`application/vnd.elasticsearch+json; compatible-with=${form}`);
    await engine.bulk('i', bulkLines({ 1: {} })).catch(() => undefined);
    expect(asked[3]?.headers['content-type']).toBe(
      `application/vnd.elasticsearch+x-ndjson; compatible-with=${form}`,
    );
  });

  it.each([
    ['7.17.9', elastic, /7\.17\.9; supported are 8 and 9/, /Upgrade/],
    ['10.0.0', elastic, /10\.0\.0; supported are 8 and 9/, /Update portiere/],
  ])('refuses a server %s by name, whatever is asked', async (number, headers, message, hint) => {
    const engine = await given({ ...version(number), headers });
    const calls = [
      async () => await engine.info(),
      async () => {
        await engine.createIndex('i', {});
      },
      async () => await engine.bulk('i', bulkLines({ 1: {} })),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_REFUSED',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      });
    }
    expect(asked.every(({ url }) => url === '/')).toBe(true);
  });

  it.each<[string, Answer]>([
    ['a page', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['a server before 7.14', { ...version('6.8.0'), headers: {} }],
    ['another JSON', { body: { hello: 'world' }, headers: {} }],
    ['OpenSearch', { body: { version: { number: '2.1.0', distribution: 'opensearch' } }, headers: {} }],
    ['no version', { body: {} }],
  ])('tells of %s in place of Elasticsearch', async (_what, greeting) => {
    const engine = await given(greeting);
    await expect(engine.info()).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
      message: expect.stringMatching(/is not Elasticsearch|cut short/),
    });
  });

  it('lets a key that may only search do so, and tells who asks for the version', async () => {
    const engine = await given({ status: 403 }, { body: { hits: { hits: [] } } }, { apiKey: 'a2V5' });
    expect(await engine.search('i', {}, { by: 'a' })).toEqual([]);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['ApiKey a2V5', 'ApiKey a2V5']);
    await expect(engine.info()).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_DENIED',
      hint: expect.stringContaining('API key needs the cluster right monitor'),
    });
  });

  it('tells which login was refused, and asks again once the server knows it', async () => {
    const greeting: { status?: number; body?: unknown } = { status: 401 };
    const engine = await given(greeting, { body: { status: 'green' } }, { username: 'u', password: 'p' });
    await expect(engine.health()).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_DENIED',
      hint: expect.stringContaining('ELASTIC_PASSWORD'),
    });
    Object.assign(greeting, { status: 200, body: version('9.0.0').body });
    expect(await engine.health()).toBe('green');
  });

  it('ends in time where nothing comes, and where an answer never ends', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    engine = await searchEngines.connect({ url, timeout: 100 });
    await expect(engine.info()).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
      message: expect.stringContaining('in time'),
    });
    silent.close();
    const half = await given(version('9.0.0'), {
      body: '{"status":',
      headers: { ...elastic, 'content-length': '1000' },
    });
    const start = performance.now();
    await expect(half.health()).rejects.toMatchObject({ code: 'SEARCH_ENGINE_UNREACHABLE' });
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});

describe('a bulk request', () => {
  const two = bulkLines({ 1: { a: 1 }, 2: { a: 2 } });
  const item = (status: number, reason?: string): object => ({
    index: { status, ...(reason === undefined ? {} : { error: { type: 't', reason } }) },
  });

  it.each([
    ['all taken', { body: { errors: false, items: [item(201), item(200)] } }, { kind: 'done', refused: [] }],
    [
      'one refused',
      { body: { errors: true, items: [item(201), item(400, 'no')] } },
      { kind: 'done', refused: [{ at: 1, status: 400, reason: 't: no' }] },
    ],
    ['an answer about fewer', { body: { errors: false, items: [item(201)] } }, { kind: 'busy' }],
    ['429', { status: 429 }, { kind: 'busy' }],
    ['503', { status: 503 }, { kind: 'busy' }],
    ['401 after it was accepted', { status: 401 }, { kind: 'busy' }],
    ['413', { status: 413 }, { kind: 'too large' }],
    ['an answer that is cut', { body: '{"errors":fal' }, { kind: 'busy' }],
  ])('%s', async (_what, answer, expected) => {
    const engine = await given(version('9.0.0'), answer);
    expect(await engine.bulk('i', two)).toMatchObject(expected);
  });

  it.each([
    [400, 'SEARCH_ENGINE_REFUSED'],
    [403, 'SEARCH_ENGINE_DENIED'],
  ])('%d is not tried again', async (status, code) => {
    const engine = await given(version('9.0.0'), { status });
    await expect(engine.bulk('i', two)).rejects.toMatchObject({ code });
  });

  it('tells of a full disk, also where the engine does not say how full', async () => {
    const reason = 'index [i] blocked by: [disk usage exceeded flood-stage watermark]';
    const engine = await given(version('9.0.0'), {
      body: { errors: true, items: [item(429, reason), item(429, reason)] },
    });
    await expect(engine.bulk('i', two)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('flood-stage'),
    });
  });
});

describe('the CA file', () => {
  it('is named where it cannot be read or holds no certificate', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-ca-'));
    const empty = path.join(folder, 'ca.pem');
    await writeFile(empty, 'none');
    for (const caFile of [empty, path.join(folder, 'missing')]) {
      const target = { url: 'https://127.0.0.1:1', timeout: 100, caFile };
      await expect(searchEngines.connect(target)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(caFile),
      });
    }
    await rm(folder, { recursive: true });
  });
});
