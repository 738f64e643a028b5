/** The part of PGlite that the gateway needs: protocol bytes in, protocol bytes out. */
export interface ProtocolEngine {
  execProtocolRaw(message: Uint8Array): Promise<Uint8Array>;
  exec(sql: string): Promise<unknown>;
}

/** One message of the frontend protocol; `bytes` is the whole message, type and length included. */
export interface Message {
  /** The type letter, or what kind of untyped message opened the connection. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** Cuts what has arrived into whole messages and the rest that is still incomplete. */
export function frame(buffer: Buffer, started: boolean): { messages: Message[]; rest: Buffer } {
  const messages: Message[] = [];
  let offset = 0;
  let typed = started;
  for (;;) {
    const header = typed ? 5 : 8;
    if (buffer.length - offset < header) break;
    const length = buffer.readInt32BE(offset + (typed ? 1 : 0)) + (typed ? 1 : 0);
    // A startup message holds at least its length and its code, any other at least its type and its length.
    if (length < header) throw new Error('malformed protocol message');
    if (buffer.length - offset < length) break;
    const bytes = buffer.subarray(offset, offset + length);
    const type = typed ? String.fromCharCode(bytes[0] ?? 0) : opening(bytes.readInt32BE(4));
    messages.push({ type, bytes });
    if (type === 'startup') typed = true;
    offset += length;
  }
  return { messages, rest: buffer.subarray(offset) };
}

function opening(code: number): string {
  if (code === 80_877_103 || code === 80_877_104) return 'encryption';
  return code === 80_877_102 ? 'cancel' : 'startup';
}

/** A message of the backend protocol. */
export function backend(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 0, 'latin1');
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

/** What a server says to a client that it lets in without a password (the socket's folder is the guard). */
export const greeting = Buffer.concat([
  backend('R', Buffer.alloc(4)),
  parameter('server_version', '18.0'),
  parameter('server_encoding', 'UTF8'),
  parameter('client_encoding', 'UTF8'),
  parameter('DateStyle', 'ISO, MDY'),
  parameter('integer_datetimes', 'on'),
  parameter('standard_conforming_strings', 'on'),
  backend('K', Buffer.alloc(8)),
  backend('Z', Buffer.from('I')),
]);

function parameter(name: string, value: string): Buffer {
  return backend('S', Buffer.from(`${name}\0${value}\0`));
}

/** Whether an answer leaves the session outside a transaction; undefined where it does not end with "ready". */
export function isIdle(answer: Uint8Array): boolean | undefined {
  const end = answer.length;
  const ready = end >= 6 && answer[end - 6] === 0x5a && answer[end - 2] === 5;
  return ready ? answer[end - 1] === 0x49 : undefined;
}

export interface Turns {
  /** Waits for its turn; call the result to pass the turn on. */
  next(): Promise<() => void>;
}

/** First come, first served. */
export function newTurns(): Turns {
  let last = Promise.resolve();
  return {
    async next() {
      const before = last;
      let release = (): void => undefined;
      last = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      return release;
    },
  };
}
