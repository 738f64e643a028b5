import { describe, expect, it } from 'vitest';

import { engineError, type EngineFault } from '../../src/drivers/elasticsearch-errors.ts';

const refused = (status: number, type = 'x', reason = ''): EngineFault => ({
  kind: 'refused',
  status,
  type,
  reason,
});
const broken = (reason: string): EngineFault => ({ kind: 'broken', reason });
const http = 'http://es:9200';
const https = 'https://es:9200';

describe('a fault of the search engine', () => {
  it.each<[string, EngineFault, string, string, RegExp, RegExp]>([
    ['silence', { kind: 'silent' }, http, 'SEARCH_ENGINE_UNREACHABLE', /in time/, /health/],
    ['a stranger', { kind: 'stranger' }, http, 'SEARCH_ENGINE_UNREACHABLE', /not Elasticsearch/, /URL/],
    ['no listener', broken('connect ECONNREFUSED'), http, 'SEARCH_ENGINE_UNREACHABLE', /REFUSED/, /URL/],
    [
      'TLS not met',
      broken('EPROTO wrong version number'),
      https,
      'SEARCH_ENGINE_UNREACHABLE',
      /plain HTTP/,
      /http:\/\/es/,
    ],
    [
      'TLS not asked',
      broken('other side closed'),
      http,
      'SEARCH_ENGINE_UNREACHABLE',
      /closed/,
      /https:\/\/es/,
    ],
    [
      'own CA',
      broken('self-signed certificate'),
      https,
      'SEARCH_ENGINE_UNREACHABLE',
      /not trusted/,
      /NODE_EXTRA_CA/,
    ],
    ['wrong password', refused(401), http, 'SEARCH_ENGINE_DENIED', /password/, /ELASTIC_PASSWORD/],
    ['no right', refused(403), http, 'SEARCH_ENGINE_DENIED', /403/, /rights/],
    [
      'a full disk',
      refused(429, 'x', 'disk usage exceeded flood-stage watermark'),
      http,
      'DISK_FULL',
      /too full/,
      /space/,
    ],
    ['overload', refused(429), http, 'SEARCH_ENGINE_UNREACHABLE', /overloaded/, /again/],
    [
      'no index',
      refused(404, 'index_not_found_exception'),
      http,
      'SEARCH_ENGINE_REFUSED',
      /index/,
      /index ensure/,
    ],
    [
      'a bad request',
      refused(400, 'parsing_exception', 'private illness'),
      http,
      'SEARCH_ENGINE_REFUSED',
      /parsing/,
      /log/,
    ],
  ])('%s is told in our words, with what to do', (_what, fault, url, code, message, hint) => {
    const error = engineError(fault, url);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(error.message).not.toContain('private');
  });
});
