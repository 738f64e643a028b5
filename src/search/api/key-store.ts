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
  /** False: there is no such key, and the rest is made up. */
  readonly known: boolean;
  readonly hash: Uint8Array;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly revoked: boolean;
}

/**
 * Looks a key up by its id. An unknown one gets an answer of the same shape and size: eleven microseconds of reading
 * a row or none are enough to tell ids apart, over many tries.
 */
export async function findKey(database: Pick<Database, 'query'>, id: string): Promise<StoredKey> {
  const { rows } = await database.query(
    `SELECT key_id IS NOT NULL AS known, coalesce(secret_hmac, decode(repeat('00', 32), 'hex')) AS hash,
            coalesce(scopes, '{search}') AS scopes, coalesce(expires_at, 'infinity') AS expires,
            revoked_at IS NOT NULL AS revoked
     FROM (VALUES ($1)) AS asked (id) LEFT JOIN api_key ON key_id = asked.id`,
    [id],
  );
  const { known, hash, scopes, expires, revoked } = rows[0] ?? {};
  return {
    known: known === true,
    hash: hash as Uint8Array,
    scopes: scopes as string[],
    // What Postgres calls infinity, its driver does too.
    expiresAt: Number(expires),
    revoked: revoked === true,
  };
}
