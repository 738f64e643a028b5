import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import type { Embedder } from '../../../src/search/embed/embedder.ts';
import { hashingEmbedder } from '../../../src/search/embed/hashing.ts';
import { buildIndex } from '../../../src/search/index/build.ts';
import type { Manifest } from '../../../src/search/index/manifest.ts';
import type { Reuse } from '../../../src/search/index/reuse.ts';
import { publish } from '../../../src/search/index/publish.ts';
import type { Concept } from '../../../src/search/vocabulary/concept.ts';
import type { VocabularySource } from '../../../src/search/vocabulary/source.ts';

export const embedder: Embedder = hashingEmbedder({ dimension: 32 });

export function concept(id: number, name: string, fields: Partial<Concept> = {}): Concept {
  return {
    concept_id: id,
    concept_name: name,
    domain_id: 'Condition',
    vocabulary_id: 'SNOMED',
    concept_class_id: 'Disorder',
    standard_concept: 'S',
    concept_code: `C${id}`,
    valid_start_date: '1970-01-01',
    valid_end_date: '2099-12-31',
    invalid_reason: null,
    ...fields,
  };
}

export const concepts: readonly Concept[] = [
  concept(1, 'Heart disease', { standard_concept: 'C' }),
  concept(2, 'Myocardial infarction'),
  concept(3, 'Heart attack, unspecified', {
    vocabulary_id: 'ICD10CM',
    standard_concept: null,
    concept_code: 'I21.9',
  }),
  concept(4, 'Asthma', { concept_class_id: 'Clinical Finding' }),
  concept(5, 'Salbutamol', { domain_id: 'Drug', vocabulary_id: 'RxNorm', concept_class_id: 'Ingredient' }),
  concept(6, 'Cardiac infarction, old', { invalid_reason: 'U' }),
];

const dates = { valid_start_date: '1970-01-01', valid_end_date: '2099-12-31', invalid_reason: null } as const;

/** A vocabulary of a handful of concepts, in memory. */
export function memorySource(
  given: Partial<VocabularySource> & { rows?: readonly Concept[] } = {},
): VocabularySource {
  const { rows = concepts, ...rest } = given;
  return {
    kind: 'bundle',
    label: 'memory',
    stamp: null,
    digest: 'feed'.repeat(16),
    version: 'v1',
    select: [],
    expected: null,
    concepts: () => batch(rows),
    synonyms: () =>
      batch([
        { concept_id: 2, concept_synonym_name: 'Heart attack', language_concept_id: 4180186 },
        { concept_id: 2, concept_synonym_name: 'Myocardial infarction', language_concept_id: 4180186 },
        { concept_id: 99, concept_synonym_name: 'Of nothing', language_concept_id: 4180186 },
        { concept_id: 4, concept_synonym_name: '...', language_concept_id: 4180186 },
      ]),
    relationships: () =>
      batch([
        { concept_id_1: 3, concept_id_2: 2, relationship_id: 'Maps to', ...dates },
        { concept_id_1: 6, concept_id_2: 2, relationship_id: 'Concept replaced by', ...dates },
        { concept_id_1: 2, concept_id_2: 1, relationship_id: 'Is a', ...dates },
        { concept_id_1: 2, concept_id_2: 99, relationship_id: 'Maps to', ...dates },
        { concept_id_1: 4, concept_id_2: 2, relationship_id: 'Maps to', ...dates, invalid_reason: 'D' },
      ]),
    ancestors: () =>
      batch([
        {
          ancestor_concept_id: 1,
          descendant_concept_id: 2,
          min_levels_of_separation: 1,
          max_levels_of_separation: 1,
        },
        {
          ancestor_concept_id: 2,
          descendant_concept_id: 2,
          min_levels_of_separation: 0,
          max_levels_of_separation: 0,
        },
        {
          ancestor_concept_id: 99,
          descendant_concept_id: 2,
          min_levels_of_separation: 2,
          max_levels_of_separation: 2,
        },
      ]),
    unusable: () => 0,
    close: async () => {},
    ...rest,
  };
}

async function* batch<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  if (rows.length > 0) yield rows;
}

/** A folder of its own with the path at which an index is published. */
export async function newPointer(): Promise<{ folder: string; pointer: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-index-'));
  return { folder, pointer: path.join(folder, 'index', 'dense.faiss') };
}

const dense = { type: 'auto', quality: 'standard', memory: 2 ** 31 } as const;

export const quiet = { update: () => undefined, say: () => undefined };

export interface BuildOptions {
  readonly source?: VocabularySource;
  readonly embedder?: Embedder;
  readonly now?: Date;
  readonly reuse?: Reuse;
}

export async function build(pointer: string, options: BuildOptions = {}): Promise<Manifest> {
  const { source = memorySource(), now = new Date('2026-01-02T03:04:05.678Z') } = options;
  const parts = {
    source,
    embedder: options.embedder ?? embedder,
    dense,
    batchTokens: 512,
    threads: 1,
    progress: quiet,
    reuse: options.reuse,
  };
  return await buildIndex({ ...parts, pointer, version: '1.2.3', now });
}

export async function buildAndPublish(pointer: string, options: BuildOptions = {}): Promise<Manifest> {
  const manifest = await build(pointer, options);
  await publish(pointer, manifest.id);
  return manifest;
}
