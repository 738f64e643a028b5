import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { duration, formsOf, printable, progressLine, scrub } from '../../src/ui/format.ts';

describe('duration', () => {
  it.each([
    [0, '0.0 s'],
    [440, '0.4 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [12_400, '12 s'],
    [59_400, '59 s'],
    [59_700, '1 min 0 s'],
    [119_600, '2 min 0 s'],
    [185_000, '3 min 5 s'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });
});

describe('progressLine', () => {
  it.each([
    [
      { done: 12_000, total: 137_850, unit: 'concepts', milliseconds: 500 },
      '12,000 of 137,850 concepts, 24,000/s, 5.2 s left',
    ],
    [{ done: 12_000, total: undefined, unit: 'rows', milliseconds: 1000 }, '12,000 rows, 12,000/s'],
    [{ done: 5, total: 5, unit: 'rows', milliseconds: 1000 }, '5 of 5 rows, 5/s'],
    [{ done: 5, total: 10, unit: 'rows', milliseconds: 100 }, '5 of 10 rows'],
    [{ done: 0, total: 10, unit: 'rows', milliseconds: 5000 }, '0 of 10 rows'],
  ])('%o', (state, line) => {
    expect(progressLine(state)).toBe(line);
  });
});

describe('scrub', () => {
  const hide = (text: string, ...secrets: string[]) => scrub(text, secrets.flatMap(formsOf));
  const secret = 'p@ss "wörd"/+1';

  it.each([
    ['plain', secret],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64 for URLs', Buffer.from(secret).toString('base64url')],
    ['URL', encodeURIComponent(secret)],
    ['form', new URLSearchParams({ k: secret }).toString().slice(2)],
    ['JSON', JSON.stringify(secret)],
  ])('takes out the %s form', (_form, shown) => {
    const text = hide(`a ${shown} b ${shown} c`, secret);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(shown.replace(/^"|"$/g, ''));
  });

  it('leaves everything else, and what is too short to be a secret', () => {
    expect(hide('abc is a word', 'abc')).toBe('abc is a word');
    expect(hide('nothing here', secret)).toBe('nothing here');
  });

  it('takes any text as a value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 4 }), (value) => {
        expect(formsOf(value)).toContain(value);
      }),
    );
    expect(() => formsOf('\ud800 lone surrogate')).not.toThrow();
  });
});

describe('printable', () => {
  it('keeps words, lines and tabs, drops what drives a terminal', () => {
    expect(printable('a\tb\nç 漢')).toBe('a\tb\nç 漢');
    expect(printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007x\rx\u0000\u009b2J\u007f')).toBe(
      'red x?x??',
    );
  });

  it('leaves JSON that can be read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(() => JSON.parse(printable(JSON.stringify({ value }))) as unknown).not.toThrow();
      }),
    );
  });
});
