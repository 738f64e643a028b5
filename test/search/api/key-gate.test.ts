import { randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { hashSecret, newApiKey, writeApiKey } from '../../../src/search/api/api-key.ts';
import { keyGate } from '../../../src/search/api/key-gate.ts';
import type { StoredKey } from '../../../src/search/api/key-store.ts';

const salt = 'salt';
const key = newApiKey('prod', randomBytes);
const text = writeApiKey(key);
const stored: StoredKey = {
  known: true,
  hash: hashSecret(salt, key.secret),
  scopes: ['search'],
  expiresAt: Number.POSITIVE_INFINITY,
  revoked: false,
};

const unknown: StoredKey = { ...stored, known: false, hash: new Uint8Array(32) };

function given(first = stored) {
  const world = { now: 0, stored: first, down: false, asked: 0 };
  const gate = keyGate({
    environment: 'prod',
    salt,
    now: () => world.now,
    async find(id) {
      world.asked += 1;
      if (world.down) throw new Error('no database');
      return id === key.id ? world.stored : unknown;
    },
  });
  const check = async (given = text): Promise<string> => await gate.check({ 'x-api-key': given });
  return { world, gate, check };
}
const refused = { status: 401, code: 'no_valid_key' };

describe('the gate', () => {
  it('takes a key from either header, and gives its id', async () => {
    const { gate, check } = given();
    expect(await check()).toBe(key.id);
    expect(await gate.check({ authorization: `Bearer ${text}` })).toBe(key.id);
    expect(await gate.check({ authorization: `bearer  ${text}` })).toBe(key.id);
    expect(await gate.check({ authorization: 'Basic cHJveHk6cGFzcw==', 'x-api-key': text })).toBe(key.id);
    await expect(gate.check({ authorization: `Basic ${text}` })).rejects.toMatchObject(refused);
    await expect(gate.check({})).rejects.toMatchObject(refused);
  });

  it.each<[string, StoredKey, string]>([
    ['a malformed one', stored, 'prt_x'],
    ['one of another environment', stored, writeApiKey({ ...key, environment: 'dev' })],
    ['an unknown one', unknown, text],
    ['one of another secret', stored, writeApiKey({ ...key, secret: '0'.repeat(64) })],
    ['a revoked one', { ...stored, revoked: true }, text],
    ['an expired one', { ...stored, expiresAt: 0 }, text],
    ['one for something else', { ...stored, scopes: ['admin'] }, text],
  ])('refuses %s like any other', async (_what, first, one) => {
    const { check } = given(first);
    const refusals = await Promise.all(
      [check(one), check('')].map(async (asked) => await asked.catch((error: unknown) => error)),
    );
    expect(refusals[0]).toEqual(refusals[1]);
    expect(refusals[0]).toMatchObject(refused);
  });

  it('looks a guess up whether its id is known or not, each time', async () => {
    const { world, check } = given();
    for (const guess of [
      { ...key, secret: '1'.repeat(64) },
      { ...key, id: '0'.repeat(12) },
    ]) {
      world.asked = 0;
      for (let at = 0; at < 3; at += 1) await check(writeApiKey(guess)).catch(() => undefined);
      expect(world.asked).toBe(3);
    }
  });

  it('looks a valid key up every 5 seconds, once for all who wait', async () => {
    const { world, check } = given();
    await check();
    world.now = 4_999;
    await check();
    expect(world.asked).toBe(1);
    world.now = 5_000;
    await Promise.all([check(), check(), check()]);
    expect(world.asked).toBe(2);
    world.stored = { ...stored, revoked: true };
    world.now = 10_000;
    await expect(check()).rejects.toMatchObject(refused);
  });

  it('refuses a key that expires while it is remembered', async () => {
    const { world, check } = given({ ...stored, expiresAt: 3_000 });
    await check();
    world.now = 3_000;
    await expect(check()).rejects.toMatchObject(refused);
  });

  it('goes on with known keys without the database, and refuses others with 503', async () => {
    const { world, check } = given();
    await check();
    world.down = true;
    for (world.now = 0; world.now < 60_000; world.now += 250) await check();
    expect(world.asked).toBeLessThan(60);
    await expect(check(writeApiKey({ ...key, id: '0'.repeat(12) }))).rejects.toMatchObject({
      status: 503,
      code: 'keys_unavailable',
    });
    world.down = false;
    world.stored = { ...stored, revoked: true };
    world.now += 1_000;
    await expect(check()).rejects.toMatchObject(refused);
  });
});
