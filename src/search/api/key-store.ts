import type { Database } from '../../ports.ts';

/** What is known of a key; never its secret. */
export interface KeyRecord {
  readonly key_id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

export interface NewKey {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly expiresAt: Date | null;
}

/** Who changed keys, for the audit. */
export interface Actor {
  readonly actor: string;
  readonly environment: string;
}

const columns = 'key_id, name, scopes, created_at, expires_at, revoked_at';

/** Stores a key, and that it was made: both or neither. */
export async function insertKey(
  database: Database,
  key: NewKey,
  { actor, environment }: Actor,
): Promise<void> {
  await database.query(
    `WITH made AS (
       INSERT INTO api_key (key_id, name, secret_hmac, expires_at) VALUES ($1, $2, $3, $4)
       RETURNING key_id, name, expires_at
     ) INSERT INTO audit_event (command, actor, environment, detail)
       SELECT 'keys create', $5, $6, to_jsonb(made) FROM made`,
    [key.id, key.name, key.hash, key.expiresAt, actor, environment],
  );
}

/** Every key, the newest last. */
export async function listKeys(database: Database): Promise<readonly KeyRecord[]> {
  const { rows } = await database.query(`SELECT ${columns} FROM api_key ORDER BY created_at, key_id`);
  return rows as unknown as KeyRecord[];
}

/** Revokes a key for good; one that is revoked stays as it is. Undefined where there is no such key. */
export async function revokeKey(
  database: Database,
  id: string,
  { actor, environment }: Actor,
): Promise<KeyRecord | undefined> {
  await database.query(
    `WITH revoked AS (
       UPDATE api_key SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL RETURNING key_id, name
     ) INSERT INTO audit_event (command, actor, environment, detail)
       SELECT 'keys revoke', $2, $3, to_jsonb(revoked) FROM revoked`,
    [id, actor, environment],
  );
  const { rows } = await database.query(`SELECT ${columns} FROM api_key WHERE key_id = $1`, [id]);
  return rows[0] as unknown as KeyRecord | undefined;
}

/** A key as it is checked. */
export interface StoredKey {
  readonly hash: Uint8Array;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly revoked: boolean;
}

/** Looks a key up by its id. */
export async function findKey(database: Pick<Database, 'query'>, id: string): Promise<StoredKey | undefined> {
  const { rows } = await database.query(
    'SELECT secret_hmac, scopes, expires_at, revoked_at FROM api_key WHERE key_id = $1',
    [id],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const expires = row['expires_at'] as Date | null;
  return {
    hash: row['secret_hmac'] as Uint8Array,
    scopes: row['scopes'] as string[],
    expiresAt: expires === null ? Number.POSITIVE_INFINITY : expires.getTime(),
    revoked: row['revoked_at'] !== null,
  };
}
