import type { Socket } from 'node:net';

import { CopyIn, isCopyIn } from './pglite-copy.ts';
import {
  frame,
  greeting,
  isIdle,
  type Message,
  newTurns,
  type ProtocolEngine,
  type Turns,
} from './pglite-wire.ts';

/**
 * Speaks Postgres' wire protocol for a PGlite, which is one session: a connection has its turn from its first
 * message until the server says "ready, idle", so neither a transaction nor an unnamed statement of one client
 * ever meets another's. `COPY FROM STDIN`, which PGlite takes only whole, is cut at rows into whole copies.
 */
export function gateway(engine: ProtocolEngine): (socket: Socket) => void {
  const turns = newTurns();
  return (socket) => {
    const connection = new Connection(socket, engine, turns);
    socket.on('data', (bytes) => {
      connection.receive(bytes);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      connection.end();
    });
  };
}

class Connection {
  readonly #socket: Socket;
  readonly #engine: ProtocolEngine;
  readonly #turns: Turns;
  #chunks: Buffer[] = [];
  #started = false;
  #pending: Uint8Array[] = [];
  #copy: CopyIn | undefined;
  #release: (() => void) | undefined;
  #idle = true;
  #closed = false;
  #work: Promise<void> = Promise.resolve();

  constructor(socket: Socket, engine: ProtocolEngine, turns: Turns) {
    this.#socket = socket;
    this.#engine = engine;
    this.#turns = turns;
  }

  receive(bytes: Buffer): void {
    this.#chunks.push(bytes);
    let framed: ReturnType<typeof frame>;
    try {
      framed = frame(Buffer.concat(this.#chunks), this.#started);
    } catch {
      // What does not speak the protocol is dropped; thrown from here it would end the worker and its database.
      this.#socket.destroy();
      return;
    }
    this.#chunks = framed.rest.length === 0 ? [] : [framed.rest];
    this.#started ||= framed.messages.some((message) => message.type === 'startup');
    this.#socket.pause();
    this.#work = this.#work.then(async () => {
      for (const message of framed.messages) await this.#handle(message);
      this.#socket.resume();
    });
    this.#work.catch(() => this.#socket.destroy());
  }

  end(): void {
    this.#closed = true;
    this.#work = this.#work
      .catch(() => undefined)
      .then(async () => {
        this.#release ??= await this.#turns.next();
        await this.#engine.execProtocolRaw(sync).catch(() => undefined);
        // A copy outside a transaction runs in one of its own, which the client never saw.
        if (!this.#idle || this.#copy !== undefined)
          await this.#engine.exec('ROLLBACK').catch(() => undefined);
        await this.#engine.exec('DISCARD ALL').catch(() => undefined);
        this.#pass();
      });
  }

  async #handle(message: Message): Promise<void> {
    if (this.#closed) return;
    if (message.type === 'encryption') {
      this.#socket.write('N');
      return;
    }
    if (message.type === 'startup') {
      this.#socket.write(greeting);
      return;
    }
    if (message.type === 'cancel' || message.type === 'X') {
      this.#socket.end();
      return;
    }
    this.#release ??= await this.#turns.next();
    if (this.#copy !== undefined) {
      await this.#continueCopy(this.#copy, message);
      return;
    }
    if (message.type === 'Q' && isCopyIn(message.bytes)) {
      this.#copy = new CopyIn(message.bytes, this.#engine, this.#idle);
      this.#socket.write(await this.#copy.begin());
      return;
    }
    this.#pending.push(message.bytes);
    // Parse, Bind, Describe and Execute only make sense with the Sync (or Flush) that follows them.
    if (message.type === 'Q' || message.type === 'S' || message.type === 'H') await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = Buffer.concat(this.#pending);
    this.#pending = [];
    await this.#answer(await this.#engine.execProtocolRaw(batch));
  }

  async #continueCopy(copy: CopyIn, message: Message): Promise<void> {
    const answer = await copy.take(message);
    if (answer === undefined) return;
    this.#copy = undefined;
    await this.#answer(answer);
  }

  async #answer(bytes: Uint8Array): Promise<void> {
    const status = isIdle(bytes);
    if (status !== undefined) this.#idle = status;
    // A socket that is closed already says neither "drain" nor "close" again.
    if (!this.#socket.write(bytes) && !this.#socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#socket.once('drain', resolve);
        this.#socket.once('close', resolve);
      });
    }
    if (status === true) this.#pass();
  }

  #pass(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

const sync = Uint8Array.of(0x53, 0, 0, 0, 4);
