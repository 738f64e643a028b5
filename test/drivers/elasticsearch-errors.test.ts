import { describe, expect, it } from 'vitest';

import { engineError, type EngineAddress, type EngineFault } from '../../src/drivers/elasticsearch-errors.ts';

const refused = (status: number, type = 'x', reason = ''): EngineFault => ({
  kind: 'refused',
  status,
  type,
  reason,
});
const broken = (reason: string): EngineFault => ({ kind: 'broken', reason });
const http: EngineAddress = { url: 'http://es:9200', login: 'password', caFile: undefined };
const https: EngineAddress = { ...http, url: 'https://es:9200' };
const withCa: EngineAddress = { ...https, caFile: '/ca.pem' };
const flood = 'disk usage exceeded flood-stage watermark';

describe('a fault of the search engine', () => {
  it.each<[string, EngineFault, EngineAddress, string, RegExp, RegExp]>([
    ['silence', { kind: 'silent' }, http, 'UNREACHABLE', /in time/, /health/],
    ['a stranger', { kind: 'stranger' }, http, 'UNREACHABLE', /not Elasticsearch/, /URL/],
    ['no listener', broken('connect ECONNREFUSED'), http, 'UNREACHABLE', /REFUSED/, /URL/],
    ['TLS not met', broken('EPROTO wrong version number'), https, 'UNREACHABLE', /plain HTTP/, /http:\/\/es/],
    ['TLS not asked', { kind: 'tls only' }, http, 'UNREACHABLE', /speaks TLS/, /https:\/\/es.*CA_FILE/],
    ['own CA', broken('self-signed certificate'), https, 'UNREACHABLE', /not trusted/, /Set .*CA_FILE/],
    [
      'another CA',
      broken('unable to verify the first certificate'),
      withCa,
      'UNREACHABLE',
      /not trusted/,
      /\/ca.pem/,
    ],
    [
      'another name',
      broken("IP does not match certificate's altnames"),
      withCa,
      'UNREACHABLE',
      /altnames/,
      /_URL/,
    ],
    ['an old certificate', broken('certificate has expired'), withCa, 'UNREACHABLE', /expired/, /Renew/],
    [
      'an old server',
      { kind: 'version', version: '7.17.0' },
      http,
      'REFUSED',
      /7\.17\.0.*8 and 9/,
      /Upgrade/,
    ],
    [
      'a new server',
      { kind: 'version', version: '10.1.0' },
      http,
      'REFUSED',
      /10\.1\.0.*8 and 9/,
      /Update portiere/,
    ],
    ['wrong password', refused(401), http, 'DENIED', /password/, /ELASTIC_PASSWORD/],
    ['wrong key', refused(401), { ...http, login: 'API key' }, 'DENIED', /API key/, /encoded/],
    ['a login forgotten', { kind: 'forgot' }, http, 'UNREACHABLE', /accepted before/, /again/],
    ['no login', refused(401), { ...http, login: 'nothing' }, 'DENIED', /who we are/, /API_KEY.*PASSWORD/],
    ['no right', refused(403), http, 'DENIED', /403/, /monitor.*create_index/],
    ['a full disk', refused(429, 'x', flood), http, 'DISK_FULL', /too full/, /space/],
    ['overload', refused(429), http, 'UNREACHABLE', /overloaded/, /again/],
    ['no index', refused(404, 'index_not_found_exception'), http, 'REFUSED', /index/, /index ensure/],
    [
      'a bad request',
      refused(400, 'parsing_exception', 'private illness'),
      http,
      'REFUSED',
      /parsing/,
      /log/,
    ],
  ])('%s is told in our words, with what to do', (_what, fault, address, code, message, hint) => {
    const error = engineError(fault, address);
    expect(error).toMatchObject({
      code: code === 'DISK_FULL' ? code : `SEARCH_ENGINE_${code}`,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(error.message).not.toContain('private');
  });
});
