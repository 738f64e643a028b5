/** Search engines of the kind of Elasticsearch 8 and 9. */
export interface SearchEngines {
  /** Opens a client; asks nothing yet, so an engine that is down is met at the first call. */
  connect(target: SearchEngineTarget): Promise<SearchEngine>;
}

export interface SearchEngineTarget {
  readonly url: string;
  /** Further nodes of the same cluster, asked where one does not answer. */
  readonly others?: readonly string[];
  /** The alias of the published index and the beginning of every index of ours; `concepts` without it. */
  readonly alias?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** In its encoded form; it goes before a password. */
  readonly apiKey?: string | undefined;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile?: string | undefined;
  /** Milliseconds that an ordinary call may take; a bulk request may take six times that. */
  readonly timeout: number;
}

/**
 * One search engine. Every call has a deadline and throws SEARCH_ENGINE_UNREACHABLE, SEARCH_ENGINE_DENIED,
 * DISK_FULL (its own disk) or SEARCH_ENGINE_REFUSED (another version too); no message holds what was searched for.
 */
export interface SearchEngine {
  readonly url: string;
  readonly alias: string;
  info(): Promise<{ readonly version: string }>;
  health(): Promise<'green' | 'yellow' | 'red'>;
  /** Returns once its first copy takes documents; DISK_FULL where no disk has room for it. */
  createIndex(name: string, body: object): Promise<void>;
  /** What an index is; undefined where there is none. */
  describeIndex(name: string): Promise<IndexState | undefined>;
  /** Changes settings of an index, or what its mapping says of itself (`_meta`, as a whole). */
  changeIndex(name: string, change: { readonly settings?: object; readonly meta?: object }): Promise<void>;
  /** Also where there is none. */
  deleteIndex(name: string): Promise<void>;
  listIndices(prefix: string): Promise<readonly string[]>;
  /** Writes documents, each in place of the one of its id. */
  bulk(index: string, lines: BulkLines): Promise<BulkAnswer>;
  /** Makes what was written countable and findable. */
  refresh(index: string): Promise<void>;
  /** Puts what was written into its segments on disk. */
  flush(index: string): Promise<void>;
  /** Merges an index into one segment; takes up to an hour. */
  forceMerge(index: string): Promise<void>;
  /** Waits until every copy of an index is there, for at most some milliseconds; how far it came. */
  settle(index: string, patience: number): Promise<'green' | 'yellow' | 'red'>;
  /** Documents in an index; undefined where there is no such index. */
  count(index: string): Promise<number | undefined>;
  /** Best first. */
  search(index: string, body: object, how: SearchHow): Promise<readonly EngineHit[]>;
  /**
   * Every document of one moment, by a field ascending that no two have in common, some at a time. The numbers of a
   * `vector` field come beside the source, which may or may not hold them.
   */
  documents(
    index: string,
    order: { readonly by: string; readonly page: number; readonly vector?: string },
  ): AsyncIterable<readonly EngineDocument[]>;
  /** The indices behind an alias; none where there is no such alias. */
  aliased(alias: string): Promise<readonly string[]>;
  /** Takes an alias from some indices and gives it to one, in one step. */
  moveAlias(alias: string, move: { readonly from: readonly string[]; readonly to: string }): Promise<void>;
  close(): Promise<void>;
}

export interface IndexState {
  /** Another one each time an index of that name is created. */
  readonly uuid: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Documents as the engine takes them: for each a line with its id and a line with its content. */
export interface BulkLines {
  readonly body: Buffer;
  readonly documents: number;
}

export type BulkAnswer =
  | { readonly kind: 'done'; readonly refused: readonly RefusedDocument[] }
  /** Overloaded, or no answer: whether anything was written is unknown, and the same may be sent again. */
  | { readonly kind: 'busy'; readonly reason: Error }
  | { readonly kind: 'too large' };

export interface RefusedDocument {
  /** Its place among the documents that were sent. */
  readonly at: number;
  /** HTTP status of the one document; 429 and 503 may be tried again. */
  readonly status: number;
  readonly reason: string;
}

export interface EngineDocument {
  readonly id: string;
  readonly source: unknown;
  readonly vector?: readonly number[] | undefined;
}

export interface SearchHow {
  /** A keyword or number that each document has one of, which tells it from others: read faster than its `_id`. */
  readonly by: string;
  /** Milliseconds, instead of the ordinary ones. */
  readonly timeout?: number | undefined;
}

export interface EngineHit {
  /** What the document has in the field it is told by. */
  readonly id: string | number;
  readonly score: number;
}
