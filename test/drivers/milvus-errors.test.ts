import { describe, expect, it } from 'vitest';

import { askOf } from '../../src/drivers/milvus-ask.ts';

const ask = askOf('http://milvus:19530');
const status = (reason: string): object => ({ error_code: 'UnexpectedError', reason, code: 65_535 });
const grpc = (code: number, message: string): Error => Object.assign(new Error(message), { code });

describe('a fault of Milvus', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no listener', grpc(14, '14 UNAVAILABLE: connect ECONNREFUSED'), 'UNREACHABLE', /: connect ECONNREF/],
    ['a deadline', grpc(4, '4 DEADLINE_EXCEEDED: Deadline exceeded'), 'UNREACHABLE', /in time\.$/],
    ['a stranger', grpc(16, '16 UNAUTHENTICATED: no'), 'DENIED', /let us in/],
    ['a request that is none', grpc(13, '13 INTERNAL: invalid UTF-8'), 'REFUSED', /refuses to do it \(13\)/],
    [
      'words of the client',
      new Error('ErrorCode: IndexNotExist. Reason: index not found'),
      'REFUSED',
      /refuses to do it: index not found\.$/,
    ],
    [
      'words of the client for what passes',
      new Error('ErrorCode: NotReadyServe. Reason: service not ready'),
      'UNREACHABLE',
      /in time: service not ready/,
    ],
    ['a status that is thrown', { status: status('disk quota exhausted') }, 'REFUSED', /: disk quota/],
    ['a mistake', new TypeError('no such thing'), 'REFUSED', /: no such thing\.$/],
  ])('that is thrown, %s, keeps its reason', async (_what, thrown, code, message) => {
    const failing = ask('do it', async () => await Promise.reject(thrown as Error));
    await expect(failing).rejects.toMatchObject({
      code: `SEARCH_ENGINE_${code}`,
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, string]>([
    ['collection not loaded[collection=12]', 'REFUSED'],
    ['cannot create plan of concepts_20260101_loading', 'REFUSED'],
    ['collection not fully loaded[collection=12]', 'UNREACHABLE'],
    ['collection 12 is still loading', 'UNREACHABLE'],
    ['service unavailable', 'UNREACHABLE'],
    ['channel not available', 'UNREACHABLE'],
    ['rate limit exceeded[rate=0.1]', 'UNREACHABLE'],
    ['permission denied', 'DENIED'],
  ])('that says %s is %s', async (reason, code) => {
    for (const quiet of [false, true])
      await expect(ask('do it', async () => ({ status: status(reason) }), { quiet })).rejects.toMatchObject({
        code: `SEARCH_ENGINE_${code}`,
      });
  });

  it('holds nothing of what was searched for', async () => {
    const secret = 'cannot parse expression: private illness';
    const answers = [
      async () => ({ status: status(secret) }),
      async () => await Promise.reject(new Error(secret)),
      async () => await Promise.reject(grpc(13, `13 INTERNAL: ${secret}`)),
      async () => ({ status: status(`service not ready: ${secret}`) }),
    ];
    for (const answer of answers) {
      const error = await ask<object>('search it', answer, { quiet: true }).catch((one: unknown) => one);
      expect(error).toBeInstanceOf(Error);
      const { message, cause } = error as Error;
      expect([message, String(cause)].join(' ')).not.toContain('private');
    }
  });
});
