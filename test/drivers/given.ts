import { backend, frame, type ProtocolEngine } from '../../src/drivers/pglite-wire.ts';

/** The message that opens a connection: protocol 3.0, user postgres. */
export const startup = untyped(196_608, 'user\0postgres\0\0');

function untyped(code: number, body: string): Buffer {
  const bytes = Buffer.alloc(8 + body.length);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  bytes.write(body, 8, 'latin1');
  return bytes;
}

export function query(sql: string): Buffer {
  return backend('Q', Buffer.from(`${sql}\0`));
}

export const ready = (state: string): Buffer => backend('Z', Buffer.from(state));

export interface FakeEngine extends ProtocolEngine {
  /** Statements in the order in which they ran; of a COPY its data as well. */
  readonly log: string[];
  /** `I` idle, `T` in a transaction, `E` in a failed one. */
  state(): string;
  /** The next statement answers only once it is let go. */
  hold(): { letGo(): void };
}

/**
 * A session that knows BEGIN, COMMIT, ROLLBACK, COPY (each line one row; a line `bad` fails) and answers any other
 * statement with `did <statement>`; DISCARD ALL fails inside a transaction, as in Postgres.
 */
export function fakeEngine(): FakeEngine {
  const log: string[] = [];
  let state = 'I';
  let gate: Promise<void> | undefined;

  const failed = (text: string): Buffer => {
    if (state === 'T') state = 'E';
    return backend('E', Buffer.from(`SERROR\0M${text}\0\0`));
  };
  const run = (sql: string): Buffer => {
    if (sql === 'BEGIN') state = 'T';
    else if (sql === 'COMMIT' || sql === 'ROLLBACK') state = 'I';
    else if (state === 'E') return failed('current transaction is aborted');
    else if (sql === 'DISCARD ALL' && state !== 'I') return failed('DISCARD ALL in a transaction');
    return backend('C', Buffer.from(`did ${sql}\0`));
  };
  const copy = (data: string, givenUp: string | undefined): Buffer => {
    if (state === 'E') return failed('current transaction is aborted');
    if (givenUp !== undefined) return failed(`COPY from stdin failed: ${givenUp}`);
    const rows = data.split('\n').slice(0, -1);
    if (!data.endsWith('\n') && data !== '') rows.push(data.split('\n').at(-1) ?? '');
    return rows.includes('bad') ? failed('bad row') : backend('C', Buffer.from(`COPY ${rows.length}\0`));
  };

  return {
    log,
    state: () => state,
    hold() {
      let letGo = (): void => undefined;
      gate = new Promise((resolve) => {
        letGo = resolve;
      });
      return { letGo };
    },
    async execProtocolRaw(bytes) {
      const answers: Buffer[] = [];
      const { messages } = frame(Buffer.from(bytes), true);
      let data = '';
      for (const message of messages) {
        const body = message.bytes.toString('utf8', 5);
        if (message.type === 'd') data += body;
        if (message.type === 'c' || message.type === 'f') {
          log.push(`COPY ${JSON.stringify(data)}`);
          answers.push(copy(data, message.type === 'f' ? body.slice(0, -1) : undefined));
        }
        if (message.type === 'Q' && !body.startsWith('COPY')) {
          const sql = body.slice(0, -1);
          log.push(sql);
          answers.push(run(sql));
        }
      }
      const held = gate;
      gate = undefined;
      await held;
      return Buffer.concat([...answers, ready(state)]);
    },
    async exec(sql) {
      log.push(sql);
      if (run(sql)[0] === 0x45) throw new Error(`${sql} failed`);
    },
  };
}
