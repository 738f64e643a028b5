import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CopyIn, isCopyIn } from '../../src/drivers/pglite-copy.ts';
import { backend } from '../../src/drivers/pglite-wire.ts';
import { fakeEngine, query, ready } from './given.ts';

const message = (type: string, body: string | Buffer = '') => ({
  type,
  bytes: backend(type, Buffer.from(body)),
});

async function copied(
  data: readonly (string | Buffer)[],
  { inside = false, end = message('c') }: { inside?: boolean; end?: ReturnType<typeof message> } = {},
) {
  const engine = fakeEngine();
  if (inside) await engine.exec('BEGIN');
  const copy = new CopyIn(query('COPY t FROM STDIN'), engine, !inside);
  expect((await copy.begin())[0]).toBe('G'.charCodeAt(0));
  for (const piece of data) expect(await copy.take(message('d', piece))).toBeUndefined();
  const answer = Buffer.from((await copy.take(end)) ?? []);
  const slices = engine.log.flatMap((line) =>
    line.startsWith('COPY') ? [JSON.parse(line.slice(5)) as string] : [],
  );
  const statements = engine.log.filter((line) => !line.startsWith('COPY'));
  return { answer: answer.toString('utf8'), slices, statements };
}

describe('CopyIn', () => {
  it('answers with the rows of all slices, in a transaction of its own', async () => {
    const { answer, slices, statements } = await copied(['1\n2', '\n3\n']);
    expect(answer).toBe(`${backend('C', Buffer.from('COPY 3\0')).toString()}${ready('I').toString()}`);
    expect(slices).toEqual(['1\n2\n3\n']);
    expect(statements).toEqual(['BEGIN', 'COMMIT']);
  });

  it('cuts more than 4 MB at rows, wherever the pieces end', async () => {
    const row = `${'x'.repeat(99)}\n`;
    const all = row.repeat(100_000);
    const pieces = Array.from({ length: Math.ceil(all.length / 65_537) }, (_, at) =>
      all.slice(at * 65_537, (at + 1) * 65_537),
    );
    const { answer, slices } = await copied(pieces);
    expect(answer).toContain('COPY 100000\0');
    expect(slices).toHaveLength(3);
    expect(slices.every((slice) => slice.endsWith('\n') && slice.length < 4.3e6)).toBe(true);
    expect(slices.join('') === all).toBe(true);
  });

  it('waits for the end of a row longer than a slice', async () => {
    const long = 'y'.repeat(3_000_000);
    const { answer, slices } = await copied([long, long, `${long}\n`, '1\n']);
    expect(answer).toContain('COPY 2\0');
    expect(slices[0]).toHaveLength(9_000_001);
  });

  it('keeps the first failure, writes nothing after it and rolls back', async () => {
    const big = `${'x'.repeat(4_500_000)}\n`;
    const { answer, slices, statements } = await copied(['bad\n', big, big, '1\n']);
    expect(answer).toContain('bad row');
    expect(slices).toHaveLength(1);
    expect(statements).toEqual(['BEGIN', 'ROLLBACK']);
    expect(answer.endsWith(ready('I').toString())).toBe(true);
  });

  it('is refused where the client gives it up, and with it a transaction around', async () => {
    const end = message('f', 'no more disk\0');
    const alone = await copied(['1\n'], { end });
    expect(alone.answer).toContain('COPY from stdin failed: no more disk');
    expect(alone.statements).toEqual(['BEGIN', 'ROLLBACK']);
    const inside = await copied(['1\n'], { end, inside: true });
    expect(inside.statements).toEqual(['BEGIN']);
    expect(inside.answer.endsWith(ready('E').toString())).toBe(true);
  });

  it('leaves a transaction around it open', async () => {
    const { answer, statements } = await copied(['1\n'], { inside: true });
    expect(statements).toEqual(['BEGIN']);
    expect(answer.endsWith(ready('T').toString())).toBe(true);
  });

  it('copies nothing and any rows in any pieces', async () => {
    expect((await copied([])).answer).toContain('COPY 0\0');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[a-z0-9]{0,20}$/)),
        fc.integer({ min: 1, max: 9 }),
        async (rows, size) => {
          const all = rows.map((row) => `row ${row}\n`).join('');
          const { answer, slices } = await copied(all.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []);
          expect(slices.join('')).toBe(all);
          expect(answer).toContain(`COPY ${rows.length}\0`);
        },
      ),
    );
  });
});

describe('isCopyIn', () => {
  it.each([
    ['COPY t FROM STDIN', true],
    [' copy t (a, b)\nfrom stdin (FORMAT text)', true],
    ['COPY t TO STDOUT', false],
    ["SELECT 'copy from stdin'", false],
  ])('%j: %s', (sql, is) => {
    expect(isCopyIn(query(sql))).toBe(is);
  });
});
