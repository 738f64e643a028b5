/** Databases of vectors of the kind of Milvus 2.3 and later. */
export interface VectorDatabases {
  /** Opens a client; asks nothing yet. PACKAGE_MISSING where the optional package is not there. */
  connect(target: VectorDatabaseTarget): Promise<VectorDatabase>;
}

export interface VectorDatabaseTarget {
  readonly url: string;
  /** `user:password`, or an API key. */
  readonly token?: string | undefined;
  /** Milliseconds that an ordinary call may take. */
  readonly timeout: number;
}

/** The shape of a collection: rows of an id, some attributes and a vector. */
export interface CollectionShape {
  readonly dimension: number;
  /** Names of its fields of text, and of those that are true or false. */
  readonly texts: readonly string[];
  readonly flags: readonly string[];
  /** What it says of itself. */
  readonly description: string;
}

export interface VectorRow {
  readonly id: number;
  readonly attributes: Readonly<Record<string, string | boolean>>;
  readonly vector: readonly number[];
}

/**
 * One database of vectors. Every call has a deadline and throws SEARCH_ENGINE_UNREACHABLE, SEARCH_ENGINE_DENIED or
 * SEARCH_ENGINE_REFUSED; no message holds what was searched for.
 */
export interface VectorDatabase {
  readonly url: string;
  version(): Promise<string>;
  createCollection(name: string, shape: CollectionShape): Promise<void>;
  /** Undefined where there is none of that name. */
  describeCollection(
    name: string,
  ): Promise<{ readonly uuid: string; readonly description: string } | undefined>;
  listCollections(prefix: string): Promise<readonly string[]>;
  /** Also where there is none. */
  dropCollection(name: string): Promise<void>;
  /** Gives a collection another name, in one step. */
  renameCollection(from: string, to: string): Promise<void>;
  /** Writes rows, each in place of the one of its id. */
  write(name: string, rows: readonly VectorRow[]): Promise<void>;
  /** Puts what was written on disk, builds its graph and loads it for searching; takes up to an hour. */
  serve(name: string, graph: { readonly m: number; readonly efConstruction: number }): Promise<void>;
  /** Rows of a collection that is served. */
  count(name: string): Promise<number>;
  /** Ids of the nearest rows; `filter` is an expression in the database's own language, or blank. */
  search(name: string, question: CollectionQuestion): Promise<readonly number[]>;
  /** Rows with ids from `from` to before `to`, ascending; not more than some thousands at once. */
  rows(name: string, range: { readonly from: number; readonly to: number }): Promise<readonly VectorRow[]>;
  /** Gives an alias to a collection, and takes it from whichever had it. */
  pointAlias(alias: string, name: string): Promise<void>;
  close(): Promise<void>;
}

export interface CollectionQuestion {
  readonly vector: Float32Array;
  readonly k: number;
  readonly ef: number;
  readonly filter: string;
  /** Milliseconds. */
  readonly timeout: number;
}
