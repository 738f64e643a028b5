import { rm, writeFile } from 'node:fs/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ApiParts } from '../../../src/search/api/server.ts';
import { buildAndPublish, newPointer } from '../index/given.ts';
import { type Api, brokenLimiter, startApi } from './given.ts';

let folder: string;
let pointer: string;
let api: Api | undefined;
beforeEach(async () => {
  ({ folder, pointer } = await newPointer());
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function ready(parts: Partial<ApiParts> = {}) {
  api = await startApi(pointer, parts);
  const { status, body } = await api.get('/health/ready');
  const sick = (body.components as { name: string; state: string; detail?: string }[]).filter(
    ({ state }) => state !== 'ok',
  );
  return { status, body, sick };
}
const noDatabase = { pingDatabase: () => Promise.reject(new Error('connection refused')) };

describe('GET /health/ready', () => {
  it('is ok where all parts are', async () => {
    const { id } = await buildAndPublish(pointer);
    const { status, body, sick } = await ready();
    expect([status, sick]).toEqual([200, []]);
    expect(body).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      timestamp: '2026-01-02T03:04:05.000Z',
      build: id,
    });
    expect((body.components as { name: string }[]).map(({ name }) => name)).toEqual([
      'postgres',
      'rate_limiter',
      'lexical',
      'dense',
    ]);
  });

  it('is down without the database', async () => {
    await buildAndPublish(pointer);
    const { status, body, sick } = await ready(noDatabase);
    expect([status, body.status]).toEqual([503, 'down']);
    expect(sick).toMatchObject([{ name: 'postgres', state: 'down', detail: 'connection refused' }]);
  });

  it('is down without an index, and says so', async () => {
    const { status, body, sick } = await ready();
    expect([status, body.status, body.build]).toEqual([503, 'down', null]);
    expect(sick).toMatchObject([
      { name: 'lexical', detail: 'no index is published' },
      { name: 'dense', detail: 'no index is published' },
    ]);
    expect((await api?.get('/health'))?.body).toMatchObject({ status: 'unhealthy' });
    expect((await api?.get('/health/live'))?.body).toMatchObject({ status: 'alive' });
    expect((await api?.get('/v1/search?q=a'))?.body).toMatchObject({ status: 503, code: 'no_index' });
  });

  it('is degraded without the limiter: 200, or 503 when strict', async () => {
    await buildAndPublish(pointer);
    const { status, body, sick } = await ready({ limiter: brokenLimiter });
    expect([status, body.status]).toEqual([200, 'degraded']);
    expect(sick).toMatchObject([{ name: 'rate_limiter', state: 'degraded', detail: 'no limiter' }]);
    await api?.close();
    expect((await ready({ limiter: brokenLimiter, strict: true })).status).toBe(503);
  });

  it('still answers from the open build when something else takes the place of the link', async () => {
    const { id } = await buildAndPublish(pointer);
    await ready();
    await rm(pointer);
    await writeFile(pointer, 'a file');
    const answer = await api?.get('/health/ready');
    expect(answer?.status).toBe(200);
    expect(answer?.body).toMatchObject({ build: id });
    expect((await api?.get('/v1/search?q=asthma'))?.status).toBe(200);
    await api?.index.refresh();
    expect(api?.failures).toHaveLength(1);
    expect(api?.index.state().failure).toContain('not the link');
  });
});
