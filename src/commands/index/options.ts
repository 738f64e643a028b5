import type { VocabularyOptions } from '../vocabulary.ts';

export interface IndexBuildOptions extends VocabularyOptions {
  readonly source?: string;
  /** Only where the vocabulary, the model or the settings are others than the published build's. */
  readonly ifChanged?: boolean;
  /** Builds one half; the other is the published build's. */
  readonly only?: 'dense' | 'lexical';
  /** For a file of vectors: the folder of its index, and the names of its data sets. */
  readonly out?: string;
  readonly vectors?: string;
  readonly ids?: string;
}
