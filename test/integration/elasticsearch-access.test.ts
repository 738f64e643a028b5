import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import type { SearchEngine, SearchEngineTarget } from '../../src/ports/search-engine.ts';
import { indexOf } from '../../src/search/lexical/elasticsearch-index.ts';
import { ensureElasticsearch } from '../../src/search/populate/elasticsearch.ts';
import { makeCertificate } from '../support/certificates.ts';
import { conceptFile } from '../support/concept-file.ts';
import { lackingElasticsearch, type TestElasticsearch, testElasticsearch } from '../support/elasticsearch.ts';
import { tlsDoor } from '../support/tls-door.ts';

const progress = { update: () => undefined, say: () => undefined };
const lacking =
  lackingElasticsearch ??
  (process.env['PORTIERE_TEST_ELASTICSEARCH'] !== undefined &&
  process.env['PORTIERE_TEST_ELASTICSEARCH_PASSWORD'] === undefined
    ? ' (skipped: the server of PORTIERE_TEST_ELASTICSEARCH has no PORTIERE_TEST_ELASTICSEARCH_PASSWORD)'
    : undefined);

describe.skipIf(lacking !== undefined)(`who may do what in a real Elasticsearch${lacking ?? ''}`, () => {
  let folder: string;
  let server: TestElasticsearch;
  const open: SearchEngine[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-access-'));
    server = await testElasticsearch();
  });
  afterAll(async () => {
    for (const engine of open) await engine.close();
    server.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function connected(target: Partial<SearchEngineTarget>): Promise<SearchEngine> {
    const engine = await searchEngines.connect({
      url: server.url,
      alias: 'access',
      timeout: 10_000,
      ...target,
    });
    open.push(engine);
    return engine;
  }
  async function keyFor(cluster: readonly string[], privileges: readonly string[]): Promise<string> {
    const index = [{ names: ['access', 'access-*'], privileges }];
    const role = { portiere: { cluster, index } };
    const made = await server.ask('POST', '/_security/api_key', { name: 'test', role_descriptors: role });
    return made.encoded as string;
  }

  it('names the login that is wrong or lacking', async () => {
    expect((await (await connected(server.login)).info()).version).toMatch(/^[89]\./);
    const wrong = [
      [{ username: 'elastic', password: 'wrong' }, /refuses the user or password/, /ELASTIC_PASSWORD/],
      [{ apiKey: btoa('id:secret') }, /refuses the API key/, /ELASTICSEARCH_API_KEY/],
      [{}, /asks who we are/, /ELASTICSEARCH_API_KEY.*ELASTIC_PASSWORD/],
    ] as const;
    for (const [target, message, hint] of wrong) {
      const engine = await connected(target);
      for (const call of [async () => await engine.info(), async () => await engine.count('access')]) {
        await expect(call()).rejects.toMatchObject({
          code: 'SEARCH_ENGINE_DENIED',
          message: expect.stringMatching(message),
          hint: expect.stringMatching(hint),
        });
      }
    }
  });

  it('loads by a key with the rights that the error names, and by no lesser one', async () => {
    const build = await conceptFile(folder, 500, '20260101T000000001Z-feedfeed');
    const indexer = await connected({
      apiKey: await keyFor(['monitor'], ['read', 'write', 'create_index', 'manage']),
    });
    const index = indexOf(build.id, 'access');
    const reader = await connected({ apiKey: await keyFor([], ['read']) });
    const denied = {
      code: 'SEARCH_ENGINE_DENIED',
      hint: expect.stringMatching(/API key needs the cluster right monitor.*create_index and manage/),
    };
    await expect(ensureElasticsearch(reader, build, { progress })).rejects.toMatchObject(denied);
    await expect(reader.info()).rejects.toMatchObject(denied);
    expect(await ensureElasticsearch(indexer, build, { progress })).toBe(true);
    await indexer.moveAlias('access', { from: [], to: index });
    expect(await indexer.aliased('access')).toEqual([index]);
    // A key that may only read serves searches.
    expect(
      await reader.search(index, { query: { match_all: {} }, size: 3 }, { by: 'concept_id' }),
    ).toHaveLength(3);
    await indexer.deleteIndex(index);
  });

  it('names a scheme that is not the server’s, and a certificate that is not trusted', async () => {
    makeCertificate(folder, ['localhost']);
    const other = path.join(folder, 'other');
    mkdirSync(other);
    makeCertificate(other, ['localhost']);
    const door = await tlsDoor(server.port, folder);
    const caFile = path.join(folder, 'ca.pem');
    const secure = `https://localhost:${door.port}`;
    expect((await (await connected({ ...server.login, url: secure, caFile })).info()).version).toMatch(
      /^[89]\./,
    );
    const wrong = [
      [{ url: `http://localhost:${door.port}` }, /speaks TLS, not plain HTTP/, /ELASTICSEARCH_URL=https:/],
      [
        { url: server.url.replace('http:', 'https:') },
        /speaks plain HTTP, not TLS/,
        /ELASTICSEARCH_URL=http:/,
      ],
      [{ url: secure }, /is not trusted/, /Set ELASTICSEARCH_CA_FILE/],
      [{ url: secure, caFile: path.join(other, 'ca.pem') }, /is not trusted/, /did not sign it/],
      [{ url: `https://127.0.0.1:${door.port}`, caFile }, /altnames/, /as its certificate does/],
    ] as const;
    for (const [target, message, hint] of wrong) {
      const engine = await connected({ ...server.login, ...target });
      await expect(engine.info()).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_UNREACHABLE',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      });
    }
    door.close();
  });
});
