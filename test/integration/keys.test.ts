import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { ensureIndex } from '../../src/commands/index/ensure.ts';
import { create, list, revoke } from '../../src/commands/keys.ts';
import { up as migrate } from '../../src/commands/migrate.ts';
import { withDatabase } from '../../src/commands/migrate.ts';
import { openProject } from '../../src/commands/context.ts';
import type { Ports } from '../../src/ports.ts';
import { readApiKey, writeApiKey } from '../../src/search/api/api-key.ts';
import { until } from '../support/cli.ts';
import { fakeSearchEngine, onlyEngine } from '../support/search-engine.ts';
import {
  lackingPostgres,
  lackingRedis,
  startPostgres,
  startRedis,
  type TestServer,
} from '../support/servers.ts';
import { type Serving, serveStack, type StackParts, stackPorts } from '../support/served-stack.ts';

const lacking = lackingPostgres ?? lackingRedis;

describe.skipIf(lacking !== undefined)(`API keys, in a real Postgres${lacking ?? ''}`, () => {
  let folder: string;
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let redis: TestServer;
  let parts: StackParts;
  let ports: Ports;
  const serving: Serving[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-keys-'));
    postgres = await startPostgres('pH7r2Wk9Qx4Vz1Nc8Lt5');
    redis = await startRedis('b6Mj3Yf0Ts9Ug2Xd5Ke8');
    const searchEngines = onlyEngine(fakeSearchEngine());
    parts = {
      folder,
      database: postgres.target,
      redisPort: redis.port,
      searchEngines,
      env: { RATE_LIMIT_PER_MINUTE: '100000' },
    };
    ports = stackPorts(parts);
    await expect(create(ports, { name: 'early' })).rejects.toMatchObject({ code: 'MIGRATION_GAP' });
    await migrate(ports, {});
    await ensureIndex(ports, {});
  });
  afterEach(async () => {
    for (const one of serving.splice(0)) await one.stop();
  });
  afterAll(async () => {
    await postgres.end();
    await redis.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function newKey(name: string, expires?: number): Promise<{ key: string; key_id: string }> {
    const { data } = await create(ports, { name, ...(expires === undefined ? {} : { expires }) });
    return data as never;
  }
  async function api(env: Readonly<Record<string, string>> = {}): Promise<Serving> {
    const one = await serveStack({ ...parts, env: { ...parts.env, ...env } });
    serving.push(one);
    return one;
  }
  async function sql(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const project = await openProject(ports, {});
    return (await withDatabase(ports, project, 'test', async (database) => await database.query(text))).rows;
  }

  it('are shown once, stored as an HMAC, and audited', async () => {
    const { key, key_id } = await newKey('team a', 30);
    const read = readApiKey(key);
    expect(read).toMatchObject({ environment: 'prod', id: key_id });
    const stored = JSON.stringify(await sql('SELECT *, encode(secret_hmac, $$hex$$) AS hex FROM api_key'));
    expect(stored).toContain(key_id);
    expect(stored).not.toContain(read?.secret);
    expect((await list(ports, {})).data).toMatchObject({
      keys: [{ key_id, name: 'team a', state: 'valid', expires_at: expect.any(Date) }],
    });
    expect((await create(ports, { name: 'not made', dryRun: true })).data).toMatchObject({
      would_create: { name: 'not made' },
    });
    await revoke(ports, { id: key_id, dryRun: true });
    await revoke(ports, { id: key_id });
    await revoke(ports, { id: key_id });
    expect((await list(ports, {})).data).toMatchObject({ keys: [{ state: 'revoked' }] });
    await expect(revoke(ports, { id: 'ffffffffffff' })).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    expect(await sql('SELECT command, environment, detail FROM audit_event ORDER BY 1')).toMatchObject([
      { command: 'keys create', environment: 'prod', detail: { key_id, name: 'team a' } },
      { command: 'keys revoke', environment: 'prod', detail: { key_id } },
    ]);
  });

  it('open the API, and whatever is wrong with one gets the same answer', async () => {
    const { key } = await newKey('good');
    const old = await newKey('old', 1);
    await sql(`UPDATE api_key SET expires_at = now() - interval '1 s' WHERE key_id = '${old.key_id}'`);
    const gone = await newKey('gone');
    await revoke(ports, { id: gone.key_id });
    const parsed = readApiKey(key)!;
    const { get } = await api();
    for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }]) {
      expect((await get('/v1/search?q=diabetes', headers)).status).toBe(200);
    }
    const bodies = new Set<string>();
    for (const [what, text] of Object.entries({
      missing: undefined,
      malformed: 'prt_prod_nothing',
      'with a wrong checksum': `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
      unknown: writeApiKey({ ...parsed, id: '0123456789ab' }),
      'of another secret': writeApiKey({ ...parsed, secret: '0'.repeat(64) }),
      'of another environment': writeApiKey({ ...parsed, environment: 'dev' }),
      expired: old.key,
      revoked: gone.key,
    })) {
      const { status, headers, body } = await get(
        '/v1/search?q=a',
        text === undefined ? {} : { 'x-api-key': text },
      );
      expect([what, status, headers.get('content-type')]).toEqual([
        what,
        401,
        expect.stringMatching(/^application\/problem\+json/),
      ]);
      bodies.add(JSON.stringify({ ...body, request_id: '' }));
    }
    expect(bodies.size).toBe(1);
    expect((await get(`/v1/search?q=a&api_key=${key}`)).status).toBe(401);
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('are refused within 5 seconds of being revoked, and have a limit each', async () => {
    const [one, two] = [await newKey('one'), await newKey('two')];
    const { get } = await api({ RATE_LIMIT_PER_MINUTE: '20' });
    const ask = async (key: string): Promise<number> =>
      (await get('/v1/concepts/1', { 'x-api-key': key })).status;
    expect(await ask(two.key)).toBe(404);
    await revoke(ports, { id: two.key_id });
    const start = Date.now();
    await until('the key is refused', async () => {
      await new Promise((resolve) => {
        setTimeout(resolve, 1_000);
      });
      return (await ask(two.key)) === 401;
    });
    expect(Date.now() - start).toBeLessThan(6_500);
    const statuses = [];
    for (let at = 0; at < 21; at += 1) statuses.push(await ask(one.key));
    expect(statuses).toEqual([...Array(20).fill(404), 429]);
  });

  it('go on where they are known while Postgres is away, and the API meets it again', async () => {
    const [known, unknown] = [await newKey('known'), await newKey('unknown')];
    const { get } = await api();
    const ask = async (key: string): Promise<number> =>
      (await get('/v1/concepts/1', { 'x-api-key': key })).status;
    expect(await ask(known.key)).toBe(404);
    await postgres.kill();
    expect(await ask(unknown.key)).toBe(503);
    const end = Date.now() + 6_000;
    while (Date.now() < end) {
      expect(await ask(known.key)).toBe(404);
      await new Promise((resolve) => {
        setTimeout(resolve, 300);
      });
    }
    const ready = await get('/health/ready');
    expect([ready.status, ready.body.components[0]]).toMatchObject([
      503,
      { name: 'postgres', state: 'down' },
    ]);
    expect((await get('/health/live')).status).toBe(200);
    await postgres.start();
    await until('Postgres is met again', async () => (await get('/health/ready')).status === 200);
    expect(await ask(unknown.key)).toBe(404);
  });

  it('stops in order within 10 seconds, whoever still hangs', async () => {
    const one = await serveStack(parts);
    const slow = connect(Number(new URL(one.url).port), '127.0.0.1');
    slow.on('error', () => undefined).write('GET /health HTTP/1.1\r\nHost: x\r\n');
    await until('it is connected', () => slow.bytesWritten > 0);
    const start = Date.now();
    expect((await one.stop()).data).toMatchObject({ stopped: true });
    expect(Date.now() - start).toBeLessThan(9_500);
    await expect(one.get('/health')).rejects.toThrow('fetch failed');
  });
});
