import { describe, expect, it } from 'vitest';

import { demultiplex, linesOf } from '../../src/drivers/docker-output.ts';

function frame(kind: 0 | 1 | 2, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size = bytes.length): Promise<string[]> {
  const lines: string[] = [];
  for await (const { stream, text } of linesOf(demultiplex(inPieces(bytes, size)))) {
    lines.push(`${stream}: ${text}`);
  }
  return lines;
}

const heart = Buffer.from('💚');
const log = Buffer.concat([
  frame(1, 'one\ntwo '),
  frame(2, 'wrong\r\n'),
  frame(1, heart.subarray(0, 2)),
  frame(2, 'wörse\n\n'),
  frame(1, heart.subarray(2)),
  frame(1, '\nlast'),
]);
const lines = ['stdout: one', 'stderr: wrong', 'stderr: wörse', 'stderr: ', 'stdout: two 💚', 'stdout: last'];

describe('the output of a container', () => {
  it.each([1, 2, 3, 7, 8, 9, 1_000])('comes in whole lines from pieces of %i bytes', async (size) => {
    expect(await read(log, size)).toEqual(lines);
  });

  it('of a terminal is one stream without frames', async () => {
    expect(await read(Buffer.from('$ ls\r\na  b\r\n'), 3)).toEqual(['stdout: $ ls', 'stdout: a  b']);
    expect(await read(Buffer.from('ab'), 1)).toEqual(['stdout: ab']);
  });

  it('may be nothing, or cut', async () => {
    expect(await read(Buffer.alloc(0), 1)).toEqual([]);
    expect(await read(log.subarray(0, log.length - 2))).toEqual(lines.slice(0, -1));
  });

  it('holds no line above 1 MiB in memory', async () => {
    const pieces = Array.from({ length: 5 }, () => frame(1, 'x'.repeat(400_000)));
    const read400 = await read(Buffer.concat([...pieces, frame(1, '\n')]), 100_000);
    expect(read400.map(({ length }) => length - 'stdout: '.length)).toEqual([1_200_000, 800_000]);
  });
});
