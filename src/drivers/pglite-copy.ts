import { backend, isIdle, type Message, type ProtocolEngine } from './pglite-wire.ts';

const sliceBytes = 4 * 1024 * 1024;

/** Whether a simple query is a `COPY ... FROM STDIN`. */
export function isCopyIn(query: Buffer): boolean {
  const sql = query.toString('utf8', 5, Math.min(query.length - 1, 4096));
  return /^\s*copy\b/i.test(sql) && /\bfrom\s+stdin\b/i.test(sql);
}

/**
 * One `COPY ... FROM STDIN` in text format, run as several complete ones of about 4 MB, each ending at a row;
 * outside a transaction they get one of their own, so that the whole stays all or nothing.
 */
export class CopyIn {
  readonly #query: Buffer;
  readonly #engine: ProtocolEngine;
  readonly #ownTransaction: boolean;
  #slices: Buffer[] = [];
  #size = 0;
  #rows = 0;
  #failure: Buffer | undefined;

  constructor(query: Buffer, engine: ProtocolEngine, ownTransaction: boolean) {
    this.#query = Buffer.from(query);
    this.#engine = engine;
    this.#ownTransaction = ownTransaction;
  }

  async begin(): Promise<Buffer> {
    if (this.#ownTransaction) await this.#engine.exec('BEGIN');
    return backend('G', Buffer.alloc(3));
  }

  /** Takes the next message of the client; the answer once the copy is over. */
  async take(message: Message): Promise<Uint8Array | undefined> {
    if (message.type === 'd') {
      if (this.#failure === undefined) {
        this.#slices.push(Buffer.from(message.bytes.subarray(5)));
        this.#size += message.bytes.length - 5;
        if (this.#size >= sliceBytes) await this.#write(false);
      }
      return undefined;
    }
    if (message.type === 'c') {
      if (this.#failure === undefined) await this.#write(true);
      return await this.#finish();
    }
    if (message.type === 'f') {
      // Postgres itself refuses it, in its own words, which also fails a transaction around the copy.
      if (this.#failure === undefined) await this.#run(message.bytes);
      return await this.#finish();
    }
    return undefined;
  }

  async #write(all: boolean): Promise<void> {
    const data = Buffer.concat(this.#slices);
    const end = all ? data.length : data.lastIndexOf(10) + 1;
    this.#slices = end === data.length ? [] : [data.subarray(end)];
    this.#size = data.length - end;
    if (end === 0 && !all) return;
    await this.#run(backend('d', data.subarray(0, end)), backend('c', Buffer.alloc(0)));
  }

  /** A whole copy of its own with the given messages. */
  async #run(...messages: readonly Uint8Array[]): Promise<void> {
    this.#read(Buffer.from(await this.#engine.execProtocolRaw(Buffer.concat([this.#query, ...messages]))));
  }

  /** Adds up `COPY n`, keeps the first error. */
  #read(answer: Buffer): void {
    for (let offset = 0; offset + 5 <= answer.length;) {
      const length = 1 + answer.readInt32BE(offset + 1);
      const message = answer.subarray(offset, offset + length);
      if (message[0] === 0x45) this.#failure ??= Buffer.from(message);
      if (message[0] === 0x43) this.#rows += Number(/\d+/.exec(message.toString('latin1', 5))?.[0] ?? 0);
      offset += length;
    }
  }

  async #finish(): Promise<Buffer> {
    if (this.#ownTransaction) await this.#engine.exec(this.#failure === undefined ? 'COMMIT' : 'ROLLBACK');
    const done = this.#failure ?? backend('C', Buffer.from(`COPY ${this.#rows}\0`));
    return Buffer.concat([done, backend('Z', Buffer.from(await this.#status()))]);
  }

  /** Asks the session itself whether it is idle, in a transaction or in a failed one. */
  async #status(): Promise<string> {
    if (this.#ownTransaction) return 'I';
    const answer = await this.#engine.execProtocolRaw(Uint8Array.of(0x53, 0, 0, 0, 4));
    return isIdle(answer) === undefined ? 'T' : String.fromCharCode(answer.at(-1) ?? 0x49);
  }
}
