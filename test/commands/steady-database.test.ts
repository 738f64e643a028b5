import { describe, expect, it } from 'vitest';

import { steadyDatabase } from '../../src/commands/steady-database.ts';
import { PortiereError } from '../../src/errors.ts';
import type { Database } from '../../src/ports.ts';

const lost = (): PortiereError => new PortiereError('DATABASE_UNREACHABLE', 'lost');

/** Sessions that answer with their number until they are broken. */
function given() {
  const world = { up: true, made: 0, closed: 0, hangs: false };
  const connect = async (): Promise<Database> => {
    if (!world.up) throw lost();
    const number = (world.made += 1);
    return {
      description: 'fake',
      async query(sql) {
        if (world.hangs) await new Promise(() => undefined);
        if (!world.up || world.made !== number) throw lost();
        if (sql === 'wrong') throw Object.assign(new Error('syntax'), { code: '42601' });
        return { rows: [{ number }], rowCount: 1 };
      },
      async script() {},
      copyIn: async () => 0,
      async close() {
        world.closed += 1;
      },
    };
  };
  return { world, database: steadyDatabase(connect, 20) };
}

describe('a steady database', () => {
  it('connects when it is first asked, once', async () => {
    const { world, database } = given();
    expect(world.made).toBe(0);
    await Promise.all([database.query('a'), database.query('b')]);
    expect(world.made).toBe(1);
    await database.close();
    expect(world.closed).toBe(1);
  });

  it('answers the question that finds its session lost, by a new one', async () => {
    const { world, database } = given();
    await database.query('a');
    world.up = false;
    await expect(database.query('a')).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    world.up = true;
    expect((await database.query('a')).rows).toEqual([{ number: 2 }]);
    world.made = 7;
    expect((await database.query('a')).rows).toEqual([{ number: 8 }]);
  });

  it('keeps its session through a fault of a statement', async () => {
    const { world, database } = given();
    await expect(database.query('wrong')).rejects.toThrow('syntax');
    await database.query('a');
    expect(world.made).toBe(1);
  });

  it('gives up a session that hangs', async () => {
    const { world, database } = given();
    world.hangs = true;
    await expect(database.query('a')).rejects.toThrow('no answer within 20 ms');
    world.hangs = false;
    expect((await database.query('a')).rows).toEqual([{ number: 2 }]);
    expect(world.closed).toBe(1);
  });
});
