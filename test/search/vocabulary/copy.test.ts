import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyText, encodeCopyRows, type CopyValue } from '../../../src/search/vocabulary/copy.ts';

it('writes tabs between values, a line end after each row, \\N for null, and escapes', () => {
  const rows = [
    [2_100_000_001, 'Ménière\'s "disease"', null],
    ['', '\\N', 'a\tb\nc\rd\\.\b\f\v'],
  ];
  expect(encodeCopyRows(rows).toString()).toBe(
    '2100000001\tMénière\'s "disease"\t\\N\n\t\\\\N\ta\\tb\\nc\\rd\\\\.\\b\\f\\v\n',
  );
  expect(encodeCopyRows([]).length).toBe(0);
});

it('comes back as it went in, read by the rules of PostgreSQL', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\b', '\t', '\n', '\v', '\f', '\r', '\\', 'N', '.'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
  });
  const value = fc.oneof(
    text.filter((one) => !one.includes('\0')),
    fc.integer(),
    fc.constant(null),
  );
  const rows = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(value, { minLength: width, maxLength: width })));
  fc.assert(
    fc.property(rows, (rows) => {
      const expected = rows.map((row) => row.map((one) => (typeof one === 'number' ? String(one) : one)));
      expect(decode(encodeCopyRows(rows).toString())).toEqual(expected);
    }),
  );
});

it('refuses what PostgreSQL cannot hold', () => {
  for (const bad of ['a\0b', Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => encodeCopyRows([[bad]])).toThrow(expect.objectContaining({ code: 'BUG' }) as Error);
  }
});

it('streams a buffer per batch', async () => {
  async function* batches(): AsyncGenerator<CopyValue[][]> {
    yield [[1], [2]];
    yield [[3]];
  }
  const texts: string[] = [];
  for await (const buffer of copyText(batches())) texts.push(buffer.toString());
  expect(texts).toEqual(['1\n2\n', '3\n']);
});

/** As in the documentation of COPY: split at unescaped line ends and tabs, then undo the escapes. */
function decode(text: string): (string | null)[][] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t').map((field) => (field === '\\N' ? null : unescape(field))));
}

function unescape(field: string): string {
  const meanings: Record<string, string> = { b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' };
  return field.replaceAll(/\\([^])/gu, (_, one: string) => meanings[one] ?? one);
}
