/** What a vector came from: two vectors may be compared only where all of this is equal. */
export interface EmbedderIdentity {
  readonly provider: 'hashing' | 'transformers';
  /** Model name as configured (`hashing-ngram` for the hashing provider). */
  readonly model: string;
  /** Pinned revision of the ONNX export, or the algorithm's version for `hashing`. */
  readonly revision: string;
  readonly pooling: 'cls' | 'mean' | 'none';
  readonly precision: 'fp32' | 'int8';
  readonly dimension: number;
  /** Tokens, special ones included; 0 where the provider has no limit. */
  readonly maxLength: number;
  /** SHA-256 over the model's files (or over the algorithm's parameters), hex. */
  readonly digest: string;
}

/** Turns texts into unit vectors. */
export interface Embedder {
  readonly identity: EmbedderIdentity;
  /** Calls of `embed` worth having under way at once; one where it is absent. */
  readonly width?: number;
  /**
   * Row-major matrix of `texts.length` x `identity.dimension` float32, each row of L2 norm 1 (a text with
   * nothing to embed, such as the empty one, gives a row of zeros). The order is the order of `texts`.
   */
  embed(texts: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}
