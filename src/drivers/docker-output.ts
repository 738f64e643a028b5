import { StringDecoder } from 'node:string_decoder';

import type { LogPiece } from '../ports/engine.ts';

export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

const headerLength = 8;
const longestLine = 1 << 20;

/** Takes the engine's frames (kind, three zeros, length, payload) apart; output of a terminal has none and is stdout. */
export async function* demultiplex(source: AsyncIterable<unknown>): AsyncGenerator<OutputPiece> {
  let pending = Buffer.alloc(0);
  let framed: boolean | undefined;
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    if (framed === undefined && pending.length >= headerLength) framed = isHeader(pending);
    if (framed === false) {
      yield { stream: 'stdout', bytes: pending };
      pending = Buffer.alloc(0);
    }
    while (pending.length >= headerLength) {
      const end = headerLength + pending.readUInt32BE(4);
      if (pending.length < end) break;
      yield {
        stream: pending[0] === 2 ? 'stderr' : 'stdout',
        bytes: pending.subarray(headerLength, end),
      };
      pending = pending.subarray(end);
    }
  }
  if (framed === undefined && pending.length > 0) yield { stream: 'stdout', bytes: pending };
}

function isHeader(bytes: Buffer): boolean {
  return (bytes[0] ?? 255) <= 2 && bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0;
}

/** Whole lines of each stream, in the order in which they end; a line above 1 MiB comes in parts. */
export async function* linesOf(pieces: AsyncIterable<OutputPiece>): AsyncGenerator<LogPiece> {
  const streams = {
    stdout: { decoder: new StringDecoder('utf8'), rest: '' },
    stderr: { decoder: new StringDecoder('utf8'), rest: '' },
  };
  for await (const { stream, bytes } of pieces) {
    const state = streams[stream];
    const lines = (state.rest + state.decoder.write(bytes)).split('\n');
    state.rest = lines.pop() ?? '';
    if (state.rest.length > longestLine) lines.push(state.rest);
    if (state.rest.length > longestLine) state.rest = '';
    for (const line of lines) yield { stream, text: withoutReturn(line) };
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = streams[stream].rest + streams[stream].decoder.end();
    if (text !== '') yield { stream, text: withoutReturn(text) };
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
