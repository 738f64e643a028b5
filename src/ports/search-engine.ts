/** Search engines of the kind of Elasticsearch 8 and 9. */
export interface SearchEngines {
  /** Opens a client; asks nothing yet, so an engine that is down is met at the first call. */
  connect(target: SearchEngineTarget): Promise<SearchEngine>;
}

export interface SearchEngineTarget {
  readonly url: string;
  /** The alias of the published index and the beginning of every index of ours; `concepts` without it. */
  readonly alias?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile?: string | undefined;
  /** Milliseconds that an ordinary call may take; a bulk request may take ten times that. */
  readonly timeout: number;
}

/**
 * One search engine. Every call has a deadline and throws SEARCH_ENGINE_UNREACHABLE, SEARCH_ENGINE_DENIED,
 * DISK_FULL (its own disk) or SEARCH_ENGINE_REFUSED; no message holds what was searched for.
 */
export interface SearchEngine {
  readonly url: string;
  readonly alias: string;
  info(): Promise<{ readonly version: string }>;
  health(): Promise<'green' | 'yellow' | 'red'>;
  createIndex(name: string, body: object): Promise<void>;
  /** Also where there is none. */
  deleteIndex(name: string): Promise<void>;
  listIndices(prefix: string): Promise<readonly string[]>;
  /** Writes documents, each in place of the one of its id; returns those that were refused. */
  bulk(index: string, documents: readonly EngineDocument[]): Promise<readonly RefusedDocument[]>;
  /** Makes what was written countable and findable. */
  refresh(index: string): Promise<void>;
  /** Documents in an index; undefined where there is no such index. */
  count(index: string): Promise<number | undefined>;
  /** Best first. `timeout` in milliseconds, instead of the ordinary one. */
  search(index: string, body: object, timeout?: number): Promise<readonly EngineHit[]>;
  /** The indices behind an alias; none where there is no such alias. */
  aliased(alias: string): Promise<readonly string[]>;
  /** Takes an alias from some indices and gives it to one, in one step. */
  moveAlias(alias: string, move: { readonly from: readonly string[]; readonly to: string }): Promise<void>;
  close(): Promise<void>;
}

export interface EngineDocument {
  readonly id: string;
  /** The document on one line. */
  readonly json: string;
}

export interface RefusedDocument {
  readonly id: string;
  /** HTTP status of the one document; 429 and 503 may be tried again. */
  readonly status: number;
  readonly reason: string;
}

export interface EngineHit {
  readonly id: string;
  readonly score: number;
}
