import type { Database, QueryResult } from '../../../src/ports.ts';

export interface FakeDatabase extends Database {
  /** Every statement, in the order in which it came, blanks as one. */
  readonly log: string[];
  /** What was copied, by table. */
  readonly copied: Map<string, string>;
}

type Answer = readonly Readonly<Record<string, unknown>>[] | Error;

/** A database that answers a statement by the first pattern it fits, with nothing otherwise. */
export function fakeDatabase(answers: readonly (readonly [RegExp, Answer])[] = []): FakeDatabase {
  const log: string[] = [];
  const copied = new Map<string, string>();
  const run = async (sql: string): Promise<QueryResult> => {
    log.push(sql.replaceAll(/\s+/g, ' ').trim());
    const free: readonly [RegExp, Answer] = [/pg_try_advisory_lock/, [{ got: true }]];
    const answer = [...answers, free].find(([pattern]) => pattern.test(sql))?.[1] ?? [];
    if (answer instanceof Error) throw answer;
    return { rows: answer, rowCount: answer.length };
  };
  return {
    description: 'fake',
    log,
    copied,
    query: run,
    async script(sql) {
      await run(sql);
    },
    async copyIn(sql, chunks) {
      await run(sql);
      let text = '';
      for await (const chunk of chunks) text += Buffer.from(chunk).toString();
      copied.set(sql, text);
      return text.split('\n').length - 1;
    },
    async close() {},
  };
}
