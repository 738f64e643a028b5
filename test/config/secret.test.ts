import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { Secret, revealed, secretsIn } from '../../src/config/secret.ts';

const secret = new Secret('hunter2');

describe('Secret', () => {
  it.each([
    ['String()', () => String(secret)],
    // oxlint-disable-next-line typescript/restrict-template-expressions
    ['a template', () => `${secret}`],
    // oxlint-disable-next-line typescript/restrict-plus-operands
    ['concatenation', () => '' + secret],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect({ secret }, { showHidden: true, depth: 9 })],
    ['format %s', () => format('%s', secret)],
    ['format %o', () => format('%o %O %j', secret, secret, secret)],
    ['toLocaleString', () => secret.toLocaleString()],
  ])('shows as [redacted] in %s', (_, show) => {
    expect(show()).toContain('[redacted]');
    expect(show()).not.toContain('hunter2');
  });

  it('shows nothing where custom inspection is off', () => {
    expect(inspect(secret, { customInspect: false, showHidden: true })).not.toContain('hunter2');
  });

  it('has nothing to list, copy or clone', () => {
    expect(Object.keys(secret)).toEqual([]);
    expect(Object.entries(secret)).toEqual([]);
    // oxlint-disable-next-line typescript/no-misused-spread
    expect(JSON.stringify({ ...secret })).toBe('{}');
    expect(JSON.stringify(structuredClone(secret))).toBe('{}');
    expect(Object.getOwnPropertyNames(secret)).toEqual([]);
  });

  it('gives its value only when asked', () => {
    expect(secret.reveal()).toBe('hunter2');
    expect(revealed(secret)).toBe('hunter2');
    expect(revealed('plain')).toBe('plain');
  });
});

it('secretsIn lists overridden values too, each once, no blanks', () => {
  const resolved = resolveConfig({
    fallbackName: 'x',
    dotenv: { filename: '.env', values: new Map([['JWT_SECRET', { value: 'older', line: 1 }]]) },
    processEnv: { JWT_SECRET: 'newer', REDIS_PASSWORD: '', DB_PASSWORD: 'newer', DB_NAME: 'visible' },
  });
  expect(resolved.ok && secretsIn(resolved.config).toSorted()).toEqual(['newer', 'older']);
});
