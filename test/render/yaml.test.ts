import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';

import { emitYaml, escapeCompose } from '../../src/render/encode/yaml.ts';

const one = (value: string): string => emitYaml({ key: value }).slice('key: '.length, -1);

describe('a text in YAML', () => {
  it.each([
    ['postgres:17.6-bookworm', 'postgres:17.6-bookworm'],
    ['/run/secrets/DB_PASSWORD', '/run/secrets/DB_PASSWORD'],
    ['./secrets/X', './secrets/X'],
    ['http://elasticsearch:9200', 'http://elasticsearch:9200'],
    ['unless-stopped', 'unless-stopped'],
    ['--no-input', '--no-input'],
    ['-c', '-c'],
    ['10s', '10s'],
    ['512m', '512m'],
  ])('is bare where that is safe: %s', (text, written) => {
    expect(one(text)).toBe(written);
  });

  it.each([
    '',
    ' ',
    'no',
    'NO',
    'Yes',
    'y',
    'off',
    'null',
    '~',
    'true',
    '8000',
    '0',
    '007',
    '0x1f',
    '1e3',
    '1_000',
    '.5',
    '.inf',
    '.nan',
    '12:30:45',
    '2026-01-02',
    '-1',
    '-',
    '--',
    '---',
    '?',
    ': ',
    'a: b',
    'a #b',
    '#a',
    '*',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '[a',
    '{a',
    'a,b',
    '<<',
    '=',
    'a b',
    'a:',
    "it's",
    '1.0',
    '127.0.0.1',
    '...',
    '|',
    '>',
  ])('is quoted where a reader could take it for something else: %j', (text) => {
    expect(one(text)).toMatch(/^"/);
    expect(parse(emitYaml({ key: text }))).toEqual({ key: text });
  });

  it('has an escape for everything but printable ASCII, eight digits above the basic plane', () => {
    expect(one('\u0085\u007fé\u2028\ufffe😀\t"\\$\'')).toBe(
      String.raw`"\x85\x7F\xE9\u2028\uFFFE\U0001F600\x09\"\\$'"`,
    );
  });

  it('is in single quotes where it holds double ones', () => {
    expect(one('{"a":"$b"}')).toBe(`'{"a":"$b"}'`);
  });

  it('doubles every $ for Compose, and only then is written', () => {
    expect(emitYaml({ key: '$A ${B} $$' }, escapeCompose)).toBe('key: "$$A $${B} $$$$"\n');
    expect(emitYaml({ list: ['$'] }, escapeCompose)).toBe('list: ["$$"]\n');
  });

  it.each([
    ['a NUL', 'a\0b', /services\.api\.environment\.X holds a NUL/],
    ['half of a surrogate pair', 'a\ud800', /services\.api\.environment\.X holds half of a surrogate pair/],
    ['the other half', '\udc00', /holds half of a surrogate pair/],
  ])('is refused by the name of its place: %s', (_, text, message) => {
    expect(() => emitYaml({ services: { api: { environment: { X: text } } } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('comes back as it was, whatever it is (1.2 and 1.1)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.boolean(), (text, listed) => {
        fc.pre(!text.includes('\0'));
        const value = listed ? { key: [text, text] } : { key: text };
        const written = emitYaml(value);
        expect(written).toMatch(/^[\x20-\x7e\n]*$/);
        for (const version of ['1.1', '1.2'] as const) expect(parse(written, { version })).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a YAML document', () => {
  it('is laid out for reading, short lists on one line', () => {
    const document = {
      name: 'demo',
      empty: {},
      none: [],
      left: undefined,
      deep: { list: [{ a: 1, b: [true, null] }, { c: 'x' }], words: ['one', 'two'] },
      long: ['a'.repeat(60), 'b'.repeat(60)],
    };
    const text = emitYaml(document);
    expect(text).toBe(
      [
        'name: demo',
        'empty: {}',
        'none: []',
        'deep:',
        '  list:',
        '    - a: 1',
        '      b: [true, null]',
        '    - c: x',
        '  words: [one, two]',
        'long:',
        `  - ${'a'.repeat(60)}`,
        `  - ${'b'.repeat(60)}`,
        '',
      ].join('\n'),
    );
    const { left: _, ...rest } = document;
    expect(parseDocument(text, { version: '1.1' }).toJS()).toEqual(rest);
  });

  it('quotes a key that is a truth value, and refuses one that could be structure', () => {
    expect(emitYaml({ on: 1, X: { 'a.b-c': 2 } })).toBe('"on": 1\nX:\n  a.b-c: 2\n');
    for (const key of ['a b', 'a:', '', '$a', '1', 'é', 'a\nb']) {
      expect(() => emitYaml({ [key]: 1 })).toThrow(/a name that cannot be written/);
    }
  });
});
