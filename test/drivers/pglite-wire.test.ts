import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backend, frame, greeting, isIdle, newTurns } from '../../src/drivers/pglite-wire.ts';
import { query, ready, startup } from './given.ts';

/** What a client would be understood to say if its bytes came in these pieces. */
function framed(pieces: readonly Buffer[]): string[] {
  const seen: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  for (const piece of pieces) {
    const cut = frame(Buffer.concat([rest, piece]), started);
    for (const { type, bytes } of cut.messages) seen.push(`${type} ${bytes.toString('hex')}`);
    started ||= cut.messages.some(({ type }) => type === 'startup');
    rest = cut.rest;
  }
  expect(rest).toHaveLength(0);
  return seen;
}

describe('frame', () => {
  const encryption = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
  const said = [
    encryption,
    startup,
    query('SELECT 1'),
    backend('d', Buffer.alloc(0)),
    backend('X', Buffer.alloc(0)),
  ];
  const whole = Buffer.concat(said);
  const expected = ['encryption', 'startup', 'Q', 'd', 'X'].map(
    (type, at) => `${type} ${said[at]?.toString('hex')}`,
  );

  it('cuts the same messages wherever the bytes are split', () => {
    for (let at = 0; at <= whole.length; at++) {
      expect(framed([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
    expect(framed(Array.from(whole, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('does so for any messages and any pieces', () => {
    const message = fc.tuple(fc.constantFrom('Q', 'P', 'B', 'S', 'd', 'c'), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat(30), { minLength: 1 }), (messages, sizes) => {
        const all = Buffer.concat([startup, ...messages.map(([type, body]) => backend(type, body))]);
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = (sizes[turn % sizes.length] ?? 0) + 1;
          pieces.push(all.subarray(at, at + size));
          at += size;
        }
        expect(framed(pieces)).toEqual(framed([all]));
        expect(framed(pieces)).toHaveLength(messages.length + 1);
      }),
    );
  });

  it('knows the untyped messages', () => {
    const untyped = (code: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(8, 0);
      bytes.writeInt32BE(code, 4);
      return frame(bytes, false).messages[0]?.type;
    };
    expect([80_877_103, 80_877_104, 80_877_102, 196_608].map(untyped)).toEqual([
      'encryption',
      'encryption',
      'cancel',
      'startup',
    ]);
  });

  it('refuses lengths that cannot be', () => {
    for (const length of [-1, 0, 4, 7]) {
      const bytes = Buffer.alloc(12);
      bytes.writeInt32BE(length, 0);
      expect(() => frame(bytes, false)).toThrow('malformed');
    }
    for (const length of [-1, 0, 3]) {
      const bytes = Buffer.from('Q___________');
      bytes.writeInt32BE(length, 1);
      expect(() => frame(bytes, true)).toThrow('malformed');
    }
  });
});

describe('isIdle', () => {
  it('reads the state behind the last "ready", and nothing else', () => {
    expect(isIdle(ready('I'))).toBe(true);
    expect(isIdle(Buffer.concat([backend('C', Buffer.from('BEGIN\0')), ready('T')]))).toBe(false);
    expect(isIdle(ready('E'))).toBe(false);
    expect(isIdle(greeting)).toBe(true);
    expect(isIdle(backend('C', Buffer.from('BEGIN\0')))).toBeUndefined();
    expect(isIdle(new Uint8Array())).toBeUndefined();
  });
});

describe('newTurns', () => {
  it('serves in the order of coming, one at a time', async () => {
    const turns = newTurns();
    const order: string[] = [];
    const visit = async (name: string): Promise<void> => {
      const release = await turns.next();
      order.push(`${name} in`);
      await new Promise(setImmediate);
      order.push(`${name} out`);
      release();
    };
    await Promise.all(['a', 'b', 'c'].map(visit));
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });
});
