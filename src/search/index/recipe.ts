import { createHash } from 'node:crypto';

import type { EmbedderIdentity } from '../embed/embedder.ts';
import { lexicalFormat } from '../lexical/schema.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { type DenseWish, indexFormat } from './manifest.ts';
import type { Reuse } from './reuse.ts';

export interface RecipeParts {
  readonly source: Pick<VocabularySource, 'kind' | 'digest' | 'select'>;
  readonly embedding: EmbedderIdentity;
  /** Tokens a batch: int8 vectors depend a little on what they are batched with. */
  readonly batchTokens: number;
  readonly dense: DenseWish;
  /** Version of this program. */
  readonly portiere: string;
}

/**
 * sha256, hex, of all that a build follows from: two builds of one recipe are equal but for their times, and for int8
 * vectors, which depend a little on what they were embedded with when they were first embedded.
 */
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

/** What a draft is taken up by: one that takes half of another build over must not go on as one that does not. */
export function draftKey(recipe: string, reuse: Reuse | undefined): string {
  return reuse === undefined ? recipe : `${recipe} with the ${reuse.half} half of ${reuse.manifest.id}`;
}
