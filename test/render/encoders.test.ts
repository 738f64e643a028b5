import { readdirSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { inspectDotenv } from '../../src/config/dotenv.ts';
import { mountSize, sizeText } from '../../src/render/compose/sizes.ts';
import { dockerfileWord } from '../../src/render/encode/dockerfile.ts';
import { dotenvLine } from '../../src/render/encode/dotenv.ts';
import * as nginx from '../../src/render/encode/nginx.ts';
import { type Encoded, fill, joined } from '../../src/render/fill.ts';
import { targets } from '../../src/render/targets.ts';

const hostile = [
  'a;b',
  'a{b',
  'a}b',
  'a\nb',
  'a b',
  '$a',
  'a"b',
  "a'b",
  'a#b',
  'a\\b',
  '',
  'é',
  'a\0b',
  'a\tb',
  'a\u2028b',
];

describe('nginx gets typed values', () => {
  it.each(hostile)('refuses %j as a host and as a path, by name', (text) => {
    const refused = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('API_DOMAIN'),
    });
    expect(() => nginx.nginxHost(text, 'API_DOMAIN')).toThrow(refused);
    expect(() => nginx.nginxPath(text === '' ? '' : `/${text}`, 'API_DOMAIN')).toThrow(refused);
  });

  it.each([0, -1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as a port', (port) => {
    expect(() => nginx.nginxPort(port, 'a port')).toThrow(/must be a port/);
  });

  it('writes what it takes', () => {
    expect(nginx.nginxHost('API.Example.org', 'x')).toBe('api.example.org');
    expect(nginx.nginxPath('/run/secrets/tls.crt', 'x')).toBe('/run/secrets/tls.crt');
    expect(nginx.nginxSize(1024 ** 2, 'x')).toBe('1024k');
    expect(nginx.nginxCount(2, 'x')).toBe('2');
    expect(nginx.nginxListen(8443, { tls: true, isDefault: true })).toBe('8443 ssl http2 default_server');
    expect(nginx.nginxListen(8080, { tls: false, isDefault: false })).toBe('8080');
    expect([nginx.nginxHttpsPort(443, 'x'), nginx.nginxHttpsPort(8443, 'x')]).toEqual(['', ':8443']);
    expect(() => nginx.nginxSize(100, 'x')).toThrow(/must be a size/);
    expect(() => nginx.nginxCount(0, 'x')).toThrow(/whole number/);
    expect(() => nginx.nginxHost(`${'a'.repeat(64)}.org`, 'x')).toThrow(/host name/);
  });
});

describe('a Dockerfile gets plain words', () => {
  it('takes references and versions, and refuses what could be more', () => {
    expect(dockerfileWord('node:24.8.0-bookworm-slim', 'x')).toBe('node:24.8.0-bookworm-slim');
    for (const text of hostile) expect(() => dockerfileWord(text, 'images.node')).toThrow(/images\.node/);
  });
});

describe('a .env line', () => {
  it('comes back from our reader and from Node, or is refused by name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        let line: string;
        try {
          line = dotenvLine('NAME', text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('NAME') });
          return;
        }
        const { file, problems } = inspectDotenv(`${line}\n`, '.env');
        expect([problems, file.values.get('NAME')?.value]).toEqual([[], text]);
        expect(parseEnv(`${line}\n`)).toEqual({ NAME: text });
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['both \' and "$', 'a\nb', 'a\0b'])('refuses %j', (text) => {
    expect(() => dotenvLine('NAME', text)).toThrow(/NAME cannot be written/);
  });
});

describe('a template', () => {
  const text = (value: string) => value as Encoded<'test'>;

  it('gets every value, indents the lines of one that stands alone, and drops the line of an empty one', () => {
    const template = 'a {{one}};\n  {{lines}}\n  {{none}}\nend\n';
    const values = { one: text('$1'), lines: text('x\n\ny\n'), none: text('') };
    expect(fill(template, values)).toBe('a $1;\n  x\n\n  y\nend\n');
    expect(joined([text('a\n'), text('b\n')])).toBe('a\n\nb');
  });

  it('does not read a value as a template', () => {
    expect(fill('{{one}}', { one: text('{{two}}') })).toBe('{{two}}');
  });

  it('is used with exactly its names', () => {
    expect(() => fill('{{one}}', {})).toThrow(/unknown one/);
    expect(() => fill('{{toString}}', {})).toThrow(/unknown toString/);
    expect(() => fill('', { one: text('') })).toThrow(/no place for one/);
  });

  it('belongs to a target, and has no other way in for a value', () => {
    const folder = new URL('../../templates/', import.meta.url);
    const listed = new Set(Object.values(targets).flatMap(({ templates }) => templates));
    const rendered = ['nginx', 'dockerfile', 'api'].flatMap((name) =>
      readdirSync(new URL(name, folder)).map((file) => `${name}/${file}`),
    );
    expect([...listed].sort()).toEqual(rendered.sort());
    for (const name of rendered) {
      const template = readFileSync(new URL(name, folder), 'utf8');
      expect(template.replaceAll(/\{\{\w+\}\}/g, '')).not.toMatch(/\{\{|\}\}|<%|%>|@@/);
    }
  });
});

describe('a size', () => {
  it.each([
    [1024 ** 3, '1g', '1g'],
    [1.5 * 1024 ** 3, '1536m', '1536m'],
    [1000, '1000b', '1000'],
    [1024, '1k', '1k'],
  ])('%d is %s', (bytes, compose, mount) => {
    expect([sizeText(bytes), mountSize(bytes)]).toEqual([compose, mount]);
  });
});
