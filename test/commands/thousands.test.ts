import { describe, expect, it } from 'vitest';

import { thousands } from '../../src/commands/thousands.ts';

describe('a number with its thousands apart', () => {
  it('is what the language itself would say', () => {
    for (const value of [0, 7, 999, 1000, -1000, -999, 12_345, 137_850, 1_234_567.5, 2 ** 53 - 1])
      expect(thousands(value)).toBe(value.toLocaleString('en-US'));
  });
});
