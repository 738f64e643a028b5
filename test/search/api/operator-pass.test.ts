import { expect, it } from 'vitest';

import { isOperatorPass, operatorPass } from '../../../src/search/api/operator-pass.ts';

it('is good for a minute, for whoever has the salt', () => {
  const pass = operatorPass('salt', 1_000_000);
  expect(isOperatorPass('salt', pass, 1_000_000)).toBe(true);
  expect(isOperatorPass('salt', pass, 1_059_000)).toBe(true);
  expect(isOperatorPass('salt', pass, 1_061_000)).toBe(false);
  expect(isOperatorPass('other', pass, 1_000_000)).toBe(false);
  expect(isOperatorPass('salt', pass.replace('1000000', '1000001'), 1_000_000)).toBe(false);
});

it('is never good without a salt, nor garbled', () => {
  expect(isOperatorPass('', operatorPass('', 5), 5)).toBe(false);
  for (const text of ['', '5', '5.', `5.${'0'.repeat(63)}`, `x.${'0'.repeat(64)}`]) {
    expect(isOperatorPass('salt', text, 5)).toBe(false);
  }
});
