import type { Concept } from '../vocabulary/concept.ts';
import { type IndexIdentity, markOf } from './elasticsearch-mark.ts';

/** The index of a build; `alias` is the name behind which that of the published build stands. */
export function indexOf(buildId: string, alias = 'concepts'): string {
  return `${alias}-${buildId.toLowerCase()}`;
}

/** Whether an index is one of a build, of its words or of its vectors: nobody else's index may be deleted. */
export function isBuildIndex(name: string, alias: string): boolean {
  return (
    name.startsWith(`${alias}-`) &&
    /^\d{8}t\d{9}z-[0-9a-f]{8}(?:-vectors)?$/.test(name.slice(alias.length + 1))
  );
}

/** What an index of words is made of; with another format it is loaded anew. */
export function wordsIdentity(build: { readonly id: string; readonly concepts: number }): IndexIdentity {
  return { format: 2, build: build.id, concepts: build.concepts };
}

/** A keyword's longest, in characters of four bytes each; a longer one is kept and returned, not found. */
const longest = 8_191;
const keyword = { type: 'keyword', ignore_above: longest } as const;
const exact = { type: 'keyword', normalizer: 'folded', ignore_above: longest } as const;
const folded = { type: 'text', analyzer: 'folded' } as const;

/**
 * The body of a build's index while it is loaded: nothing is refreshed. `concept_name.prefix` is
 * for typeahead, `.exact` and `.folded` see neither case nor accents.
 */
export function indexBody(build: { readonly id: string; readonly concepts: number }): {
  readonly settings: object;
  readonly mappings: object;
} {
  return {
    settings: {
      number_of_shards: 1,
      refresh_interval: '-1',
      analysis: {
        normalizer: { folded: { type: 'custom', filter: ['lowercase', 'asciifolding'] } },
        filter: { beginnings: { type: 'edge_ngram', min_gram: 2, max_gram: 15 } },
        analyzer: {
          folded: { type: 'custom', tokenizer: 'standard', filter: ['lowercase', 'asciifolding'] },
          beginnings: {
            type: 'custom',
            tokenizer: 'standard',
            filter: ['lowercase', 'asciifolding', 'beginnings'],
          },
        },
      },
    },
    mappings: {
      _meta: markOf(wordsIdentity(build), { complete: false, refused: 0 }),
      dynamic: 'strict',
      properties: {
        concept_id: { type: 'keyword' },
        concept_code: { ...keyword, fields: { exact } },
        concept_name: {
          type: 'text',
          analyzer: 'standard',
          fields: {
            exact,
            folded,
            prefix: {
              type: 'text',
              analyzer: 'beginnings',
              search_analyzer: 'folded',
              index_options: 'docs',
              norms: false,
            },
          },
        },
        vocabulary_id: keyword,
        domain_id: keyword,
        concept_class_id: keyword,
        standard_concept: keyword,
        invalid_reason: keyword,
        synonyms: { type: 'text', analyzer: 'standard', fields: { exact, folded } },
        description: { type: 'text', analyzer: 'standard' },
      },
    },
  };
}

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
export function documentOf(concept: IndexedConcept): string {
  const { standard_concept, invalid_reason, synonyms } = concept;
  // Field by field: twice as fast as by spreading, and the order of fields is part of the content.
  return JSON.stringify({
    concept_id: String(concept.concept_id),
    concept_code: concept.concept_code,
    concept_name: concept.concept_name,
    vocabulary_id: concept.vocabulary_id,
    domain_id: concept.domain_id,
    concept_class_id: concept.concept_class_id,
    standard_concept: standard_concept ?? undefined,
    invalid_reason: invalid_reason ?? undefined,
    synonyms: synonyms.length === 0 ? undefined : synonyms,
  });
}
