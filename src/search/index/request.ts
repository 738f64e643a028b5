import type { Progress } from '../../ports.ts';
import type { Embedder } from '../embed/embedder.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import type { DenseWish } from './manifest.ts';
import type { Reuse } from './reuse.ts';

/** A build that is asked for. */
export interface BuildRequest {
  readonly source: VocabularySource;
  readonly embedder: Embedder;
  readonly dense: DenseWish;
  /** Tokens that the model is given at once at most. */
  readonly batchTokens: number;
  /** FAISS_INDEX_PATH; the build goes into `builds/<id>/` beside it. */
  readonly pointer: string;
  readonly version: string;
  readonly now: Date;
  readonly progress: Progress;
  /** Threads that the dense index is built with. */
  readonly threads: number;
  /** Half of an earlier build that is taken over; the source must be the one it was made of. */
  readonly reuse?: Reuse | undefined;
  /** Told the name of each step as it begins, also of one that was done before. */
  readonly onStage?: ((stage: string) => void) | undefined;
}
