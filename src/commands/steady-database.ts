import { PortiereError } from '../errors.ts';
import type { Database, QueryResult } from '../ports.ts';

/** A database that is asked short questions for as long as a process lives. */
export interface SteadyDatabase {
  /** Rejects within the patience, whatever the server does. */
  query(sql: string, values?: readonly unknown[]): Promise<QueryResult>;
  close(): Promise<void>;
}

/**
 * One session, made when it is first needed and anew after it was lost: a server that restarts is met again by the
 * next question. One that hangs (longer than `patience` milliseconds) costs the session as well.
 */
export function steadyDatabase(connect: () => Promise<Database>, patience: number): SteadyDatabase {
  let session: Promise<Database> | undefined;
  const drop = (lost: Promise<Database>): void => {
    if (session === lost) session = undefined;
    lost.then(async (database) => await database.close()).catch(() => undefined);
  };
  const ask = async (sql: string, values: readonly unknown[]): Promise<QueryResult> => {
    const mine = (session ??= connect());
    let database: Database;
    try {
      database = await within(patience, mine);
    } catch (error) {
      // One that is still being made may yet come; one that failed will not.
      mine.catch(() => {
        drop(mine);
      });
      throw error;
    }
    try {
      return await within(patience, database.query(sql, values));
    } catch (error) {
      if (isLost(error)) drop(mine);
      throw error;
    }
  };
  return {
    async query(sql, values = []) {
      const before = session;
      try {
        return await ask(sql, values);
      } catch (error) {
        if (before === undefined || !(error instanceof PortiereError) || !isLost(error)) throw error;
        return await ask(sql, values);
      }
    },
    async close() {
      const last = session;
      session = undefined;
      const database = await last?.catch(() => undefined);
      await database?.close();
    },
  };
}

class Late extends Error {}

function isLost(error: unknown): boolean {
  return error instanceof Late || (error instanceof PortiereError && error.code === 'DATABASE_UNREACHABLE');
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Late(`no answer within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
