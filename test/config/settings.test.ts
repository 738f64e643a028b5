import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseEnvironments } from '../../src/config/base-environment.ts';
import { nearest } from '../../src/config/nearest.ts';
import { defaultOf, settingNames, settingRow, settingsTable } from '../../src/config/settings.ts';
import type { Kind } from '../../src/config/settings/kind.ts';
import { sections } from '../../src/config/settings/setting.ts';

const read = (kind: Kind, text: string) => kind.schema.safeParse(text);
const seedDefaults: Record<string, string> = {
  DB_HOST: 'localhost',
  DB_PORT: '5432',
  DB_NAME: 'portiere',
  DB_USER: 'portiere',
  REDIS_HOST: 'localhost',
  REDIS_PORT: '6379',
  ELASTICSEARCH_URL: 'http://localhost:9200',
  EMBEDDING_MODEL: 'cambridgeltl/SapBERT-from-PubMedBERT-fulltext',
  FAISS_INDEX_PATH: '/data/faiss/index',
  CORS_ORIGINS: '*',
  RATE_LIMIT_PER_MINUTE: '60',
  LOG_LEVEL: 'INFO',
  POSTGRES_DB: 'portiere',
  POSTGRES_USER: 'portiere',
  ES_JAVA_OPTS: '-Xms512m -Xmx512m',
  'discovery.type': 'single-node',
  'xpack.security.enabled': 'false',
};

describe('the table', () => {
  it('keeps the documented defaults', () => {
    const defaults = Object.keys(seedDefaults).map((name) => [name, settingRow(name as 'DB_HOST').default]);
    expect(Object.fromEntries(defaults)).toEqual(seedDefaults);
  });

  it.each(settingNames)('%s', (name) => {
    const row = settingRow(name);
    expect(row.help).toMatch(/^[A-Z][^\n|]*\.$/);
    for (const base of baseEnvironments) {
      const text = defaultOf(name, base);
      if (text !== undefined) expect(read(row.kind, text).success).toBe(true);
      if (row.defaults?.[base] === null) expect(row.requiredIn).toContain(base);
    }
    if (row.secret) expect(row.default).toBeUndefined();
    if (row.generatedIn !== undefined) expect(row.secret).toBe(true);
    if (row.pair !== undefined) {
      const other = settingRow(row.pair as 'DB_NAME');
      expect(other.pair).toBe(name);
      expect(other.default).toBe(row.default);
    }
  });

  it('lists sections together and in order', () => {
    const order = settingNames.map((name) => sections.indexOf(settingRow(name).section));
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    expect(new Set(order).size).toBe(sections.length);
  });
});

describe('kinds', () => {
  it.each([
    ['API_PORT', ['1', '65535'], ['0', '65536', '-1', '08', '1.5', '1e3', '', ' 80', '0x50']],
    [
      'API_HOST',
      ['127.0.0.1', 'localhost', 'a.example.org', '::1', 'my_host'],
      ['', 'a b', 'a;b', '-a', 'a..b', 'x{', 'a$b', ':::::'],
    ],
    ['LOG_LEVEL', ['DEBUG', 'ERROR'], ['debug', '', 'TRACE']],
    ['READINESS_STRICT', ['true', 'false'], ['yes', '1', 'TRUE', '']],
    [
      'ELASTICSEARCH_URL',
      [
        'http://a:9200',
        'https://es.example.org/path',
        'http://[::1]:9200',
        'http://a:9200,http://b:9200, http://c:9201',
      ],
      [
        'a:9200',
        'ftp://a',
        'http://u:p@a',
        'http://a,b',
        'http://a,',
        'http://a,https://b',
        'http://a b',
        'http://a;',
        'http://',
        'http://a:99999',
        'javascript:alert(1)',
      ],
    ],
    [
      'CORS_ORIGINS',
      ['', '*', 'https://a.org, http://b:3000'],
      ['a.org', 'https://a.org/path', 'https://a,,https://b', 'null'],
    ],
    ['VOCABULARIES', ['', 'SNOMED', 'SNOMED, RxNorm Extension'], ['SNOMED,', ',']],
    ['EMBEDDING_MODEL', ['hashing', 'owner/model-1.5'], ['', '../x', 'a/b/c', 'a b', '/x']],
    ['DB_NAME', ['portiere', '_a-1'], ['', '1a', 'a b', 'a;b', "a'b", 'x'.repeat(64)]],
    ['ES_JAVA_OPTS', ['-Xms1g -Xmx1g', '', '-Dfoo=bar'], ['Xms1g', '-X;rm', '-X$(id)', '-a\n-b', '-a "b"']],
    ['TLS_CERT', ['', '/etc/ssl/a.pem'], ['a b', '/x;', '/x{', '/$x', '"x"', '#x']],
    ['FAISS_INDEX_PATH', ['/data/my index', 'é/ß'], ['', ' ', 'a\0b', 'a\nb', 'a\uD800', 'a\uFFFE']],
    ['ADMIN_LINE_USER_IDS', ['U1234567890,U0987654321'], ['U1;U2', 'U1,,U2']],
    [
      'CELERY_BROKER_URL',
      ['', 'redis://:pw@redis:6379/0', 'amqp://u:p@mq'],
      ['http://a', 'redis:', 'redis://a b'],
    ],
    ['LINE_CHANNEL_ID', ['1657000000', 'your-channel-id'], ['', 'a b']],
  ] as const)('%s', (name, valid, invalid) => {
    const { kind } = settingsTable[name];
    expect(valid.filter((text) => !read(kind, text).success)).toEqual([]);
    expect(invalid.filter((text) => read(kind, text).success)).toEqual([]);
  });

  it('typed values', () => {
    expect(settingsTable.API_PORT.kind.schema.parse('8000')).toBe(8000);
    expect(settingsTable.READINESS_STRICT.kind.schema.parse('true')).toBe(true);
    expect(settingsTable.CORS_ORIGINS.kind.schema.parse('https://a, https://b')).toEqual([
      'https://a',
      'https://b',
    ]);
  });

  it('any text is read or refused by every kind, never a crash, never a control character accepted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...settingNames), (text, name) => {
        const result = read(settingRow(name).kind, text);
        // oxlint-disable-next-line no-control-regex
        if (/[\0-\u001f\u007f]/.test(text)) expect(result.success).toBe(false);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('nearest', () => {
  it.each([
    ['DB_HSOT', 'DB_HOST'],
    ['db_host', 'DB_HOST'],
    ['DB_HOSTS', 'DB_HOST'],
    ['API_PROT', 'API_PORT'],
    ['NOTHING_LIKE_IT', undefined],
  ])('%s -> %s', (name, expected) => {
    expect(nearest(name, settingNames)).toBe(expected);
  });
});
