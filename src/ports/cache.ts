/** Caches of the kind of Redis 7: short-lived state that several processes share. */
export interface Caches {
  /** Opens a client that connects by itself, and again when the server comes back; asks nothing yet. */
  connect(target: CacheTarget): Promise<Cache>;
}

export interface CacheTarget {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
}

/** One cache. Calls reject at once while it is away: nothing is queued. */
export interface Cache {
  readonly description: string;
  /** Runs a Lua script that touches one key; it is sent whole only once. */
  run(script: CacheScript, key: string, values: readonly (string | number)[]): Promise<unknown>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface CacheScript {
  readonly name: string;
  readonly lua: string;
}
