import { describe, expect, it } from 'vitest';

import { planMigrations } from '../../src/plan/migrate.ts';

const migration = (name: string, checksum = `sum of ${name}`) => ({ name, checksum, sql: `-- ${name}` });
const files = ['0001_a.sql', '0002_b.sql', '0003_c.sql'].map((name) => migration(name));
const applied = (...names: string[]) => names.map((name) => ({ name, checksum: `sum of ${name}` }));

describe('planMigrations', () => {
  it('leaves everything to an empty database and nothing to a complete one', () => {
    expect(planMigrations(files, [])).toEqual({ applied: [], pending: files });
    const all = ['0001_a.sql', '0002_b.sql', '0003_c.sql'];
    expect(planMigrations(files, applied(...all.toReversed()))).toEqual({ applied: all, pending: [] });
  });

  it('leaves what comes after the last applied one, in order', () => {
    const { pending } = planMigrations(files, applied('0001_a.sql'));
    expect(pending.map(({ name }) => name)).toEqual(['0002_b.sql', '0003_c.sql']);
  });

  it.each([
    [
      'a file edited after it was applied',
      [{ name: '0001_a.sql', checksum: 'old' }],
      'MIGRATION_CHANGED',
      '0001_a',
    ],
    ['a migration that we do not have', applied('0001_a.sql', '0009_z.sql'), 'MIGRATION_UNKNOWN', '0009_z'],
    ['a file before the last applied one', applied('0001_a.sql', '0003_c.sql'), 'MIGRATION_GAP', '0002_b'],
    ['a missing first', applied('0002_b.sql'), 'MIGRATION_GAP', '0001_a'],
  ])('refuses %s', (_case, ledger, code, named) => {
    expect(() => planMigrations(files, ledger)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(named), hint: expect.any(String) }),
    );
  });
});
