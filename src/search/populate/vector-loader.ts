import type { Progress } from '../../ports.ts';
import type { VectorStore } from '../stores/vector-store.ts';
import type { FlatHeader } from '../vectors/faiss-header.ts';
import type { LoadCheckpoint } from './elasticsearch-checkpoint.ts';

/** A complete build, as far as its vectors go into a store. */
export interface VectorBuild {
  readonly id: string;
  /** Its flat file. */
  readonly header: FlatHeader;
  /** Its lexical SQLite file, for what searches are narrowed by. */
  readonly lexical: string;
  /** Vectors that are not all zero: those that go into the store. */
  readonly vectors: number;
}

export interface VectorLoad {
  readonly progress: Progress;
  /** Where a killed load left its place. */
  readonly checkpoint?: LoadCheckpoint | undefined;
}

/** Brings the vectors of builds into a store, and takes them away. */
export interface VectorLoader {
  readonly store: VectorStore;
  /**
   * Loads a build, unless it is there, whole and of the same graph; true where it loaded. INDEX_INVALID where not
   * everything is there in the end, or rows do not find themselves.
   */
  ensure(build: VectorBuild, given: VectorLoad): Promise<boolean>;
  /** Vectors of a build in the store; undefined where it does not have it. */
  count(buildId: string): Promise<number | undefined>;
  /** INDEX_INVALID unless the store holds the build's vectors, each with its row and attributes. */
  verify(build: VectorBuild): Promise<void>;
  drop(buildId: string): Promise<void>;
  /** Tells readers other than our API, which asks each build's own, that a build is the published one. */
  announce(buildId: string): Promise<void>;
  /** Drops all but the newest `keep` builds and those in `also`; the names of what it dropped. */
  prune(which: {
    readonly keep: number;
    readonly also: readonly (string | undefined)[];
  }): Promise<readonly string[]>;
}
