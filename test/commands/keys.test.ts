import { describe, expect, it } from 'vitest';

import { create, list, revoke } from '../../src/commands/keys.ts';
import { fakeDatabase } from '../search/populate/given.ts';
import { fakePorts } from '../support/ports.ts';

const salt = { API_KEY_SALT: 'Zy4Kd0Vn8Xc2Bm6Qw1Er5Tt9Yu3Io7Pa-Sd_FgHjKlM' };

describe('keys', () => {
  it.each([
    ['no salt', {}, { name: 'a' }, 'CONFIG_INVALID'],
    ['no name', salt, { name: ' ' }, 'USAGE'],
    ['a name of two lines', salt, { name: 'a\nb' }, 'USAGE'],
    ['no day', salt, { name: 'a', expires: 0 }, 'USAGE'],
    ['too many days', salt, { name: 'a', expires: 36_501 }, 'USAGE'],
  ])('are not made with %s', async (_what, env, options, code) => {
    await expect(create(fakePorts({ env }), options)).rejects.toMatchObject({ code });
  });

  it('are not made on a dry run', async () => {
    const { data, view } = await create(fakePorts({ env: salt }), {
      name: 'team a',
      expires: 2,
      dryRun: true,
    });
    expect(data).toMatchObject({
      would_create: { name: 'team a', expires_at: new Date('2026-01-04T03:04:05Z') },
    });
    expect(view).toEqual(['Would create the key team a, until 2026-01-04T03:04:05.000Z.']);
  });

  it('need their tables', async () => {
    const connect = async () => fakeDatabase();
    const ports = fakePorts({ env: salt, ports: { databases: { connect, serve: connect } } });
    for (const work of [
      () => create(ports, { name: 'a' }),
      () => list(ports, {}),
      () => revoke(ports, { id: 'x' }),
    ]) {
      await expect(work()).rejects.toMatchObject({
        code: 'MIGRATION_GAP',
        hint: expect.stringContaining('portiere migrate up'),
      });
    }
  });
});
