import { PortiereError } from '../../errors.ts';
import type { Database, Progress } from '../../ports.ts';
import { copyText, type CopyValue } from '../vocabulary/copy.ts';
import type { VocabularySource } from '../vocabulary/source.ts';

/** How many rows of each table a load holds. */
export interface LoadCounts {
  readonly concepts: number;
  readonly synonyms: number;
  readonly relationships: number;
  readonly ancestors: number;
}

export interface LoadedVocabulary extends LoadCounts {
  readonly build_id: number;
}

const uniqueViolation = '23505';
const tables = ['concept', 'concept_synonym', 'concept_relationship', 'concept_ancestor'] as const;

/**
 * Streams a vocabulary into partitions of its own by COPY and publishes them in one transaction: readers see the
 * load before or this one, whole. What an earlier, killed load left is swept first, what is replaced goes last.
 */
export async function loadVocabulary(
  database: Database,
  source: VocabularySource,
  progress: Progress,
): Promise<LoadedVocabulary> {
  await lock(database);
  await sweep(database);
  const id = await begin(database, source);
  for (const table of tables) {
    await database.script(`DROP TABLE IF EXISTS ${table}_b${id}`);
    await database.script(
      `CREATE TABLE ${table}_b${id} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`,
    );
  }
  const { expected } = source;
  const total =
    expected === null
      ? undefined
      : expected.concepts + expected.synonyms + expected.relationships + expected.ancestors;
  let done = 0;
  const count = (rows: number): void => {
    done += rows;
    progress.update(done, total, 'rows');
  };
  const concepts = await copy(database, 'concept', id, source.concepts(), count, (row) => [
    row.concept_id,
    row.concept_name,
    row.domain_id,
    row.vocabulary_id,
    row.concept_class_id,
    row.standard_concept,
    row.concept_code,
    row.valid_start_date,
    row.valid_end_date,
    row.invalid_reason,
  ]);
  const synonyms = await copy(database, 'concept_synonym', id, source.synonyms(), count, (row) => [
    row.concept_id,
    row.concept_synonym_name,
    row.language_concept_id,
  ]);
  const relationships = await copy(
    database,
    'concept_relationship',
    id,
    source.relationships(),
    count,
    (row) => [
      row.concept_id_1,
      row.concept_id_2,
      row.relationship_id,
      row.valid_start_date,
      row.valid_end_date,
      row.invalid_reason,
    ],
  );
  const ancestors = await copy(database, 'concept_ancestor', id, source.ancestors(), count, (row) => [
    row.ancestor_concept_id,
    row.descendant_concept_id,
    row.min_levels_of_separation,
    row.max_levels_of_separation,
  ]);
  progress.say('indexing the tables');
  await index(database, id);
  const counts = { concepts, synonyms, relationships, ancestors };
  await publish(database, id, counts);
  await sweep(database);
  await database.query('SELECT pg_advisory_unlock($1)', [lockKey]);
  return { build_id: id, ...counts };
}

const lockKey = 7_070_312;

/** Loads from other machines are kept out by the server itself; the lock ends with the session at the latest. */
async function lock(database: Database): Promise<void> {
  const { rows } = await database.query('SELECT pg_try_advisory_lock($1) AS got', [lockKey]);
  if (rows[0]?.['got'] === true) return;
  throw new PortiereError('LOCKED', `Another load into ${database.description} is under way.`, {
    hint: 'Wait for it to finish; pg_stat_activity shows whose it is.',
  });
}

/** The published load, or undefined where none is. */
export async function publishedVocabulary(
  database: Database,
): Promise<
  (LoadedVocabulary & { digest: string; label: string; version: string | null; select: string[] }) | undefined
> {
  const { rows } = await database.query(
    `SELECT build_id, source_digest AS digest, source_label AS label, source_version AS version, selected AS select,
            concepts, synonyms, relationships, ancestors
     FROM vocabulary_build WHERE status = 'published'`,
  );
  return rows[0] as never;
}

async function begin(database: Database, source: VocabularySource): Promise<number> {
  const { rows } = await database.query(
    `INSERT INTO vocabulary_build (status, source_label, source_digest, source_version, selected)
     VALUES ('loading', $1, $2, $3, $4) RETURNING build_id`,
    [source.label, source.digest, source.version, source.select],
  );
  return Number(rows[0]?.['build_id']);
}

async function copy<Row>(
  database: Database,
  table: (typeof tables)[number],
  id: number,
  batches: AsyncIterable<readonly Row[]>,
  count: (rows: number) => void,
  values: (row: Row) => CopyValue[],
): Promise<number> {
  async function* rows(): AsyncGenerator<CopyValue[][]> {
    for await (const batch of batches) {
      yield batch.map((row) => [id, ...values(row)]);
      count(batch.length);
    }
  }
  return await database.copyIn(`COPY ${table}_b${id} FROM STDIN`, copyText(rows()));
}

async function index(database: Database, id: number): Promise<void> {
  try {
    await database.script(`ALTER TABLE concept_b${id} ADD PRIMARY KEY (build_id, concept_id)`);
  } catch (error) {
    if ((error as { code?: unknown }).code !== uniqueViolation) throw error;
    throw new PortiereError('VOCABULARY_ROWS', 'CONCEPT has the same concept_id twice.', {
      hint: 'Download the vocabulary again, or remove the duplicate rows.',
      cause: error,
    });
  }
  await database.script(`
    CREATE INDEX ON concept_b${id} (vocabulary_id, concept_code);
    CREATE INDEX ON concept_synonym_b${id} (concept_id);
    CREATE INDEX ON concept_relationship_b${id} (concept_id_1);
    CREATE INDEX ON concept_ancestor_b${id} (descendant_concept_id);`);
}

async function publish(database: Database, id: number, counts: LoadCounts): Promise<void> {
  await database.script('BEGIN');
  try {
    for (const table of tables) {
      await database.script(`ALTER TABLE ${table} ATTACH PARTITION ${table}_b${id} FOR VALUES IN (${id})`);
    }
    await database.script("UPDATE vocabulary_build SET status = 'retired' WHERE status = 'published'");
    await database.query(
      `UPDATE vocabulary_build SET status = 'published', published_at = now(),
              concepts = $2, synonyms = $3, relationships = $4, ancestors = $5 WHERE build_id = $1`,
      [id, counts.concepts, counts.synonyms, counts.relationships, counts.ancestors],
    );
    await database.script('COMMIT');
  } catch (error) {
    await database.script('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Drops the partitions of every build that is not published, and the rows that name them. */
async function sweep(database: Database): Promise<void> {
  const { rows } = await database.query("SELECT build_id FROM vocabulary_build WHERE status <> 'published'");
  for (const row of rows) {
    const id = Number(row['build_id']);
    for (const table of tables) await database.script(`DROP TABLE IF EXISTS ${table}_b${id}`);
    await database.query('DELETE FROM vocabulary_build WHERE build_id = $1', [id]);
  }
}
