import { createServer } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import { databaseOver, vectorDatabases } from '../../src/drivers/milvus.ts';

type Parts = Parameters<typeof databaseOver>;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const success = { error_code: 'Success', reason: '', code: 0 };
const lacks = (code: number, reason: string): object => ({ error_code: 'UnexpectedError', reason, code });

/** Collections and aliases as Milvus from 2.4 on keeps them: one with an alias is not dropped. */
function keeping(aliases: Map<string, string>, collections: Set<string>): Parts[0] {
  interface Request {
    readonly collection_name: string;
    readonly alias: string;
  }
  const client = {
    async describeCollection({ collection_name: name }: Request) {
      const held = aliases.get(name) ?? name;
      if (!collections.has(held)) return { status: lacks(100, "can't find collection") };
      const its = [...aliases].filter(([, of]) => of === held).map(([alias]) => alias);
      return { status: success, collectionID: '1', schema: { description: '' }, aliases: its };
    },
    async dropCollection({ collection_name: name }: Request) {
      if ([...aliases.values()].includes(name)) return lacks(65_535, 'unable to drop, it has an alias');
      collections.delete(name);
      return success;
    },
    async dropAlias({ alias }: Request) {
      aliases.delete(alias);
      return success;
    },
    async alterAlias({ alias, collection_name: name }: Request) {
      if (!collections.has(name)) return lacks(100, 'collection not found');
      if (!aliases.has(alias)) return lacks(1_600, 'alias not found');
      aliases.set(alias, name);
      return success;
    },
    async createAlias({ alias, collection_name: name }: Request) {
      if (aliases.has(alias)) return lacks(1_602, 'alias already exists');
      if (!collections.has(name)) return lacks(100, 'collection not found');
      aliases.set(alias, name);
      return success;
    },
  };
  return client as unknown as Parts[0];
}

const sdk = { ConsistencyLevelEnum: {}, DataType: {} } as unknown as Parts[1];

describe('a collection with aliases', () => {
  it('is dropped with them, and nobody else’s', async () => {
    const aliases = new Map([
      ['concepts', 'old'],
      ['reader', 'old'],
      ['other', 'new'],
    ]);
    const collections = new Set(['old', 'new']);
    const database = databaseOver(keeping(aliases, collections), sdk, 'http://milvus');
    await database.dropCollection('old');
    await database.dropCollection('old');
    expect([[...collections], [...aliases]]).toEqual([['new'], [['other', 'new']]]);
  });

  it('is not taken for one that is gone where the answer is an error', async () => {
    const client = {
      describeCollection: async () => ({ status: lacks(65_535, 'etcd is full') }),
    } as unknown as Parts[0];
    const database = databaseOver(client, sdk, 'http://milvus');
    for (const call of [database.describeCollection('one'), database.dropCollection('one')])
      await expect(call).rejects.toMatchObject({ message: expect.stringContaining('etcd is full') });
  });
});

describe('an alias', () => {
  it('is made, moved and made again', async () => {
    const aliases = new Map<string, string>();
    const collections = new Set(['old', 'new']);
    const database = databaseOver(keeping(aliases, collections), sdk, 'http://milvus');
    for (const name of ['old', 'old', 'new']) {
      await database.pointAlias('concepts', name);
      expect([...aliases]).toEqual([['concepts', name]]);
    }
    await database.dropCollection('new');
    await database.pointAlias('concepts', 'old');
    expect([...aliases]).toEqual([['concepts', 'old']]);
  });

  it('that is there tells why it is not moved', async () => {
    const database = databaseOver(
      keeping(new Map([['concepts', 'old']]), new Set(['old'])),
      sdk,
      'http://milvus',
    );
    await expect(database.pointAlias('concepts', 'new')).rejects.toMatchObject({
      message: expect.stringContaining('collection not found'),
    });
  });
});

describe('a search', () => {
  it('takes no longer than it may, the first one of a collection also', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const database = await vectorDatabases.connect({ url: `http://127.0.0.1:${port}`, timeout: 3_000 });
    ends.push(
      async () => await database.close(),
      async () => silent.close(),
    );
    const start = performance.now();
    const question = { vector: Float32Array.of(1), k: 1, ef: 8, filter: '', timeout: 300 };
    await expect(database.search('one', question)).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
    });
    expect(performance.now() - start).toBeLessThan(2_500);
  });
});
