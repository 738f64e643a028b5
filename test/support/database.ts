import { join } from 'node:path';

import pg from 'pg';

import type { TestProject } from './cli.ts';

/** What the database of a running stack holds of vocabularies. */
export interface Loaded {
  /** Rows that a reader sees, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** State of every load there is a row of. */
  readonly loads: readonly string[];
  /** Tables of loads, published or not: four for each. */
  readonly partitions: number;
}

/** Looks through the socket of the stack's server. */
export async function lookIntoDatabase({ state }: TestProject): Promise<Loaded> {
  const client = new pg.Client({ host: join(state, 'socket'), user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    const one = async (sql: string): Promise<string[]> =>
      (await client.query<{ it: string }>(sql)).rows.map(({ it }) => it);
    const rows: Record<string, number> = {};
    for (const table of ['concept', 'concept_synonym', 'concept_relationship', 'concept_ancestor']) {
      // As readers do: a load that is killed while it sweeps leaves rows of the one before, which nobody reads.
      const published = `SELECT count(*) AS it FROM ${table} JOIN vocabulary_build USING (build_id) WHERE status = 'published'`;
      rows[table] = Number((await one(published))[0]);
    }
    return {
      rows,
      loads: await one('SELECT status AS it FROM vocabulary_build ORDER BY build_id'),
      partitions: (
        await one(
          String.raw`SELECT relname AS it FROM pg_class WHERE relkind = 'r' AND relname ~ '^concept.*_b\d+$'`,
        )
      ).length,
    };
  } finally {
    await client.end();
  }
}
