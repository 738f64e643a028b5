import { describe, expect, it } from 'vitest';

import { askOf } from '../../src/drivers/milvus-ask.ts';
import { serveCollection, type ServingClient } from '../../src/drivers/milvus-serve.ts';

const success = { error_code: 'Success', reason: '' };
const failure = { error_code: 'UnexpectedError', reason: 'segment is lost' };
const index = {
  collection_name: 'one',
  field_name: 'vector',
  index_name: 'vector',
  index_type: 'HNSW',
  metric_type: 'IP',
  params: { M: 8, efConstruction: 50 },
};
const pace = { most: 100, pause: 1 };

/** A client whose answers are given, the last of each for ever; `calls` are theirs. */
function clientOf(given: Readonly<Record<string, readonly object[]>>): {
  client: ServingClient;
  calls: [string, unknown][];
} {
  const calls: [string, unknown][] = [];
  const answers: Readonly<Record<string, readonly object[]>> = {
    createIndex: [success],
    flush: [{ status: success, coll_segIDs: { one: { data: ['7', '8'] } } }],
    getFlushState: [{ status: success, flushed: true }],
    loadCollectionAsync: [success],
    getLoadingProgress: [{ status: success, progress: '100' }],
    ...given,
  };
  const client = Object.fromEntries(
    Object.entries(answers).map(([name, some]) => [
      name,
      async (request: unknown) => {
        const before = calls.filter(([one]) => one === name).length;
        calls.push([name, request]);
        return some[Math.min(before, some.length - 1)];
      },
    ]),
  );
  return { client: client as unknown as ServingClient, calls };
}

describe('a collection that is to be searched', () => {
  it('is put on disk and loaded, and waited for both times', async () => {
    const { client, calls } = clientOf({
      getFlushState: [
        { status: success, flushed: false },
        { status: success, flushed: true },
      ],
      getLoadingProgress: [
        { status: success, progress: '0' },
        { status: success, progress: '60' },
        { status: success, progress: '100' },
      ],
    });
    await serveCollection(client, askOf('http://milvus'), index, pace);
    expect(calls.map(([name]) => name)).toEqual([
      'createIndex',
      'flush',
      'getFlushState',
      'getFlushState',
      'loadCollectionAsync',
      'getLoadingProgress',
      'getLoadingProgress',
      'getLoadingProgress',
    ]);
    expect(calls[2]).toEqual(['getFlushState', { segmentIDs: ['7', '8'] }]);
  });

  it.each(['createIndex', 'flush', 'getFlushState', 'loadCollectionAsync', 'getLoadingProgress'])(
    'is given up where %s fails',
    async (name) => {
      const answer = name.startsWith('get') || name === 'flush' ? { status: failure } : failure;
      const { client } = clientOf({ [name]: [answer] });
      await expect(serveCollection(client, askOf('http://milvus'), index, pace)).rejects.toMatchObject({
        code: 'SEARCH_ENGINE_REFUSED',
        message: expect.stringMatching(/one: segment is lost/),
      });
    },
  );

  it.each([
    ['flush', 'getFlushState', { status: success, flushed: false }],
    ['load', 'getLoadingProgress', { status: success, progress: '99' }],
  ])('is not waited for for ever: %s', async (what, name, answer) => {
    const { client } = clientOf({ [name]: [answer] });
    await expect(serveCollection(client, askOf('http://milvus'), index, pace)).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
      message: `Milvus does not ${what} one in time.`,
    });
  });
});
