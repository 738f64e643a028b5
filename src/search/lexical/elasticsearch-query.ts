import type { Filters } from './filter.ts';

export interface WordRequest {
  readonly q: string;
  readonly k: number;
  readonly filters: Filters;
}

const mostWords = 64;
/**
 * On 300 disease synonyms (137,850 concepts), recall at 10 of the words alone as they are and misspelled: without
 * fuzziness .536 and .246, so .608 and .503; boosting the name or adding up fields costs 3 to 6 points.
 */
const fuzzy = { fuzziness: 'AUTO:4,8', prefix_length: 1, max_expansions: 30 } as const;

/**
 * The body of a BM25 search; undefined where the text holds no word. The text is only ever a value
 * of `match`, so nothing in it is syntax; filters narrow before anything is ranked, whatever their case.
 */
export function wordQuery({ q, k, filters }: WordRequest): object | undefined {
  const words = q.split(/[^\p{L}\p{N}\p{M}'’.]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return undefined;
  const narrowed = narrowing(filters);
  return {
    size: k,
    track_total_hits: false,
    query: {
      bool: {
        must: {
          multi_match: {
            query: words.slice(0, mostWords).join(' '),
            type: 'best_fields',
            fields: ['concept_name', 'synonyms'],
            ...fuzzy,
          },
        },
        ...(narrowed.filter.length === 0 ? {} : { filter: narrowed.filter }),
        ...(narrowed.must_not.length === 0 ? {} : { must_not: narrowed.must_not }),
      },
    },
  };
}

/** Filters as clauses of `bool` that say only yes or no, whatever the case of their values. */
export function narrowing(filters: Filters): { readonly filter: object[]; readonly must_not: object[] } {
  const filter = (['vocabulary_id', 'domain_id', 'concept_class_id'] as const).flatMap((field) =>
    anyOf(field, filters[field]),
  );
  const { standard_concept: flags = [], valid } = filters;
  if (flags.length > 0) {
    const sources = flags.includes('none') ? [{ bool: { must_not: exists('standard_concept') } }] : [];
    const named = flags.filter((flag) => flag !== 'none').map((flag) => same('standard_concept', flag));
    filter.push(either([...named, ...sources]));
  }
  if (valid === false) filter.push(exists('invalid_reason'));
  return {
    filter,
    must_not: [
      ...anyOf('vocabulary_id', filters.exclude_vocabulary_id),
      ...(valid === true ? [exists('invalid_reason')] : []),
    ],
  };
}

function anyOf(field: string, names: readonly string[] | undefined): object[] {
  if (names === undefined || names.length === 0) return [];
  return [either(names.map((name) => same(field, name)))];
}

function either(clauses: readonly object[]): object {
  return { bool: { should: clauses, minimum_should_match: 1 } };
}

function same(field: string, value: string): object {
  return { term: { [field]: { value, case_insensitive: true } } };
}

function exists(field: string): object {
  return { exists: { field } };
}
