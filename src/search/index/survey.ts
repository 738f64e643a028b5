import { type EmbeddingCache, keyOf } from '../embed/cache.ts';
import { createKeyTable } from '../embed/key-table.ts';
import type { VocabularySource } from '../vocabulary/source.ts';

export interface VocabularyRows {
  readonly vocabulary_id: string;
  readonly standard: number;
  readonly classification: number;
  readonly source: number;
  readonly synonyms: number;
}

/** What a build of a vocabulary would have to do. */
export interface Survey {
  readonly vocabularies: readonly VocabularyRows[];
  readonly concepts: number;
  /** Names and synonyms: rows of the dense index. */
  readonly texts: number;
  /** The same, those of equal text once. */
  readonly distinct: number;
  /** Of these, those whose vectors are kept from an earlier build. */
  readonly kept: number;
  /** Some texts, spread evenly, to try the embedder on. */
  readonly samples: readonly string[];
}

type Counting = { -readonly [Key in keyof VocabularyRows]: VocabularyRows[Key] };

const sampleEvery = 997;

/** Reads a vocabulary as a build would, and counts; `cache` is what is kept of the model's vectors. */
export async function surveySource(
  source: VocabularySource,
  cache: EmbeddingCache | undefined,
): Promise<Survey> {
  const counts = new Map<string, Counting>();
  const names = new Map<number, { readonly name: string; readonly counting: Counting }>();
  const seen = createKeyTable();
  const samples: string[] = [];
  let texts = 0;
  let kept = 0;
  const take = (text: string): void => {
    if (texts % sampleEvery === 0) samples.push(text);
    texts += 1;
    const key = keyOf(text);
    const before = seen.size;
    seen.add(key, 0);
    if (seen.size > before && cache?.has(key) === true) kept += 1;
  };
  for await (const batch of source.concepts()) {
    for (const { concept_id, concept_name: name, vocabulary_id, standard_concept } of batch) {
      const counting = counts.get(vocabulary_id) ?? { ...nothing, vocabulary_id };
      counts.set(vocabulary_id, counting);
      counting[
        standard_concept === 'S' ? 'standard' : standard_concept === 'C' ? 'classification' : 'source'
      ] += 1;
      names.set(concept_id, { name, counting });
      take(name);
    }
  }
  for await (const batch of source.synonyms()) {
    for (const { concept_id, concept_synonym_name: text } of batch) {
      const known = names.get(concept_id);
      if (known === undefined || known.name === text) continue;
      known.counting.synonyms += 1;
      take(text);
    }
  }
  return {
    vocabularies: [...counts.values()].toSorted((one, other) =>
      one.vocabulary_id < other.vocabulary_id ? -1 : 1,
    ),
    concepts: names.size,
    texts,
    distinct: seen.size,
    kept,
    samples,
  };
}

const nothing = { standard: 0, classification: 0, source: 0, synonyms: 0 };
