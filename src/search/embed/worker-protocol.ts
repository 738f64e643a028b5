import type { Fault } from '../system/fault.ts';
import type { EmbedderIdentity } from './embedder.ts';
import type { EmbedderRequest } from './model-files.ts';

/** What an embedding thread is started with. */
export interface EmbedStart {
  readonly request: EmbedderRequest;
  /** Threads of the ONNX runtime within this one; its own choice where absent. */
  readonly threads: number | undefined;
}

export interface EmbedRequest {
  readonly id: number;
  readonly texts: readonly string[];
}

/** What the thread answers: who it is once the model is loaded, then one answer for each request. */
export type EmbedReply =
  | { readonly ready: EmbedderIdentity }
  | { readonly failed: Fault }
  | { readonly id: number; readonly vectors: Float32Array }
  | { readonly id: number; readonly failed: Fault };
