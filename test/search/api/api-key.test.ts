import { randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { hashSecret, newApiKey, readApiKey, writeApiKey } from '../../../src/search/api/api-key.ts';

const key = newApiKey('prod', randomBytes);
const text = writeApiKey(key);

describe('an API key', () => {
  it('is read as it was written, whatever its environment is called', () => {
    expect(text).toMatch(/^prt_prod_[0-9a-f]{12}_[0-9a-f]{64}_[0-9a-f]{8}$/);
    for (const environment of ['prod', 'my_own-env', 'a_0123456789ab_b']) {
      const one = newApiKey(environment, randomBytes);
      expect(readApiKey(writeApiKey(one))).toEqual(one);
    }
  });

  it('is not read with any one character changed, missing or added', () => {
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === '0' ? '1' : '0';
      expect(readApiKey(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
      expect(readApiKey(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
    }
    for (const wrong of ['', ' ', `${text} `, `${text}\n`, text.toUpperCase(), 'x'.repeat(100_000)]) {
      expect(readApiKey(wrong)).toBeUndefined();
    }
  });

  it('is stored as a digest that the salt decides on', () => {
    expect(hashSecret('salt', key.secret)).toEqual(hashSecret('salt', key.secret));
    expect(hashSecret('salt', key.secret)).not.toEqual(hashSecret('other', key.secret));
    expect(hashSecret('salt', key.secret)).toHaveLength(32);
  });
});
