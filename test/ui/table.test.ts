import { describe, expect, it } from 'vitest';

import { table } from '../../src/ui/table.ts';

describe('table', () => {
  it('aligns words to the left and numbers to the right, without trailing blanks', () => {
    const rows = [
      ['apple', '1,204', 2.5, 'x'],
      ['fig', 7, '12.5 ms', ''],
    ];
    expect(table(['name', 'n', 'took', ''], rows)).toBe(
      ['name       n     took', 'apple  1,204      2.5  x', 'fig        7  12.5 ms'].join('\n'),
    );
  });

  it('counts wide characters twice and combining ones not at all', () => {
    const rows = [
      ['心臓', 'a'],
      ['e\u0301', 'b'],
      ['😀', 'c'],
      ['abcd', 'd'],
    ];
    expect(table(['t', 'x'], rows).split('\n')).toEqual([
      't     x',
      '心臓  a',
      'e\u0301     b',
      '😀    c',
      'abcd  d',
    ]);
  });

  it('shows the header of an empty table and the rows that are short', () => {
    expect(table(['a', 'b'], [])).toBe('a  b');
    expect(table(['a', 'b'], [['x']])).toBe('a  b\nx');
  });
});
