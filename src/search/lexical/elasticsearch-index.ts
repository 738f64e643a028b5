import type { Concept } from '../vocabulary/concept.ts';

/** The index of a build; `alias` is the name behind which that of the published build stands. */
export function indexOf(buildId: string, alias = 'concepts'): string {
  return `${alias}-${buildId.toLowerCase()}`;
}

/** Whether an index is one of a build: nobody else's index may be deleted. */
export function isBuildIndex(name: string, alias: string): boolean {
  return name.startsWith(`${alias}-`) && /^\d{8}t\d{9}z-[0-9a-f]{8}$/.test(name.slice(alias.length + 1));
}

/** Bodies of indices: a build never changes, so nothing is refreshed but on demand; one node needs no replica. */
export const indexBody = {
  settings: { number_of_shards: 1, auto_expand_replicas: '0-1', refresh_interval: '-1' },
  mappings: {
    dynamic: 'strict',
    properties: {
      concept_id: { type: 'keyword' },
      concept_code: { type: 'keyword' },
      concept_name: { type: 'text', analyzer: 'standard' },
      vocabulary_id: { type: 'keyword' },
      domain_id: { type: 'keyword' },
      concept_class_id: { type: 'keyword' },
      standard_concept: { type: 'keyword' },
      invalid_reason: { type: 'keyword' },
      synonyms: { type: 'text', analyzer: 'standard' },
      description: { type: 'text', analyzer: 'standard' },
    },
  },
} as const;

/** A concept with its synonyms, as it is stored; what it does not have is left out. */
export type IndexedConcept = Pick<
  Concept,
  | 'concept_id'
  | 'concept_code'
  | 'concept_name'
  | 'vocabulary_id'
  | 'domain_id'
  | 'concept_class_id'
  | 'standard_concept'
  | 'invalid_reason'
> & { readonly synonyms: readonly string[] };

/** The document of a concept, on one line. */
export function documentOf({
  concept_id,
  standard_concept,
  invalid_reason,
  synonyms,
  ...rest
}: IndexedConcept): string {
  return JSON.stringify({
    concept_id: String(concept_id),
    ...rest,
    ...(standard_concept === null ? {} : { standard_concept }),
    ...(invalid_reason === null ? {} : { invalid_reason }),
    ...(synonyms.length === 0 ? {} : { synonyms }),
  });
}
