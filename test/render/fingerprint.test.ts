import { describe, expect, it } from 'vitest';

import { changedFields, fieldsOf, hashOf } from '../../src/render/fingerprint.ts';
import { renderStack } from '../../src/render/targets.ts';
import type { Stack } from '../../src/stack/model.ts';
import { builtStack, everyService, sourcesOf, type StackGiven } from '../support/stack.ts';

const base: StackGiven = { file: { services: everyService } };

function fieldsIn(stack: Stack): Readonly<Record<string, ReturnType<typeof fieldsOf>>> {
  const files = renderStack(stack, sourcesOf());
  return Object.fromEntries(stack.services.map((one) => [one.name, fieldsOf(one, files)]));
}

/** What a change of the configuration changes, by service. */
function changes(given: StackGiven): Readonly<Record<string, readonly string[]>> {
  const before = fieldsIn(builtStack(base).stack);
  const after = fieldsIn(builtStack(given).stack);
  const changed = Object.keys(after).map(
    (name) => [name, changedFields(before[name] ?? {}, after[name] ?? {})] as const,
  );
  return Object.fromEntries(changed.filter(([, fields]) => fields.length > 0));
}

describe('what a change makes anew, and why', () => {
  it('is nothing where nothing changed, and not where only numbers or dependencies did', () => {
    expect(changes(base)).toEqual({});
    const services = {
      ...everyService,
      mapper: { ...everyService.mapper, replicas: 3 },
      'celery-worker': { ...everyService['celery-worker'], replicas: 7 },
    };
    expect(changes({ file: { services } })).toEqual({});
  });

  it('is nothing for another version of portiere, but for its own image', () => {
    const all = Object.values(changes({ ...base, facts: { version: '9.9.9' } })).flat();
    expect(new Set(all)).toEqual(new Set(['image']));
  });

  it('names a variable', () => {
    const words = changes({ ...base, env: { LOG_LEVEL: 'DEBUG' } });
    expect(words['api']).toEqual(['environment LOG_LEVEL']);
    expect(words['celery-worker']).toEqual(['command', 'environment LOG_LEVEL']);
    expect(words['postgres']).toBeUndefined();
    expect(words['proxy']).toBeUndefined();
  });

  it('names a secret, wherever it is read, and never its value', () => {
    const words = changes({ ...base, env: { DB_PASSWORD: 'another-password-entirely' } });
    expect(words['postgres']).toEqual(['secret POSTGRES_PASSWORD']);
    expect(words['api']).toEqual(['secret DB_PASSWORD']);
    expect(words['redis']).toBeUndefined();
    expect(JSON.stringify(fieldsIn(builtStack(base).stack))).not.toContain('pH7r2Wk9Qx4Vz1Nc8Lt5');
  });

  it('names a mounted file, an image, a limit, ports', () => {
    const services = {
      ...everyService,
      postgres: { image: 'postgres:17.7-bookworm', resources: { memory: '1g' } },
    };
    const words = changes({ file: { services }, env: { API_DOMAIN: 'api.test', PROXY_HTTP_PORT: '8090' } });
    expect(words).toEqual({
      postgres: ['image', 'memory limit'],
      proxy: ['file proxy/nginx.conf', 'ports'],
    });
  });
});

describe('the hash of the fields', () => {
  it('is 12 hex digits and does not depend on their order', () => {
    expect(hashOf({ a: '1', b: '2' })).toMatch(/^[0-9a-f]{12}$/);
    expect(hashOf({ b: '2', a: '1' })).toBe(hashOf({ a: '1', b: '2' }));
    expect(hashOf({ a: '1' })).not.toBe(hashOf({ a: '2' }));
  });

  it('is sorted, 8 hex digits a field', () => {
    const fields = fieldsIn(builtStack(base).stack)['api'] ?? {};
    expect(Object.keys(fields)).toEqual(Object.keys(fields).toSorted());
    for (const value of Object.values(fields)) expect(value).toMatch(/^[0-9a-f]{8}$/);
  });

  it('says what came and what went', () => {
    expect(changedFields({ 'env.A': '1', init: 'x' }, { 'env.B': '1', init: 'x' })).toEqual([
      'environment A',
      'environment B',
    ]);
  });
});
