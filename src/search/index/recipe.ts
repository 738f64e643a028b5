import { createHash } from 'node:crypto';

import type { EmbedderIdentity } from '../embed/embedder.ts';
import { lexicalFormat } from '../lexical/schema.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { type DenseWish, indexFormat } from './manifest.ts';

export interface RecipeParts {
  readonly source: Pick<VocabularySource, 'kind' | 'digest' | 'select'>;
  readonly embedding: EmbedderIdentity;
  /** Tokens a batch: int8 vectors depend a little on what they are batched with. */
  readonly batchTokens: number;
  readonly dense: DenseWish;
  /** Version of this program. */
  readonly portiere: string;
}

/** sha256, hex, of all that the bytes of a build follow from: two builds of one recipe are equal but for their times. */
export function recipeOf({ source, embedding, batchTokens, dense, portiere }: RecipeParts): string {
  const parts = {
    formats: [indexFormat, lexicalFormat],
    portiere,
    source: [source.kind, source.digest, source.select.toSorted()],
    embedding: [embedding, batchTokens],
    dense,
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
