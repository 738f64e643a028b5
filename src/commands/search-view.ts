import type { GlobalOptions, Outcome } from '../ports.ts';
import type { Hit } from '../search/hybrid/search.ts';

export interface SearchOptions extends GlobalOptions {
  readonly text: string;
  readonly limit?: string;
  readonly vocabularyId?: readonly string[];
  readonly excludeVocabularyId?: readonly string[];
  readonly domainId?: readonly string[];
  readonly conceptClassId?: readonly string[];
  readonly standardConcept?: readonly string[];
  readonly valid?: boolean;
}

/** What the search API answers. */
export interface SearchAnswer {
  readonly build: string;
  readonly took_ms: number;
  readonly embedding: { readonly provider: string; readonly model: string };
  readonly hits: readonly Hit[];
}

/** The hits as rows, each with why it was found. */
export function searchView(text: string, { hits, took_ms, build, embedding }: SearchAnswer): Outcome['view'] {
  if (hits.length === 0) return [`Nothing found for "${text}" (build ${build}).`];
  return [
    `${hits.length} concepts for "${text}" in ${took_ms} ms (build ${build}, vectors by ${embedding.model})`,
    {
      header: ['concept_id', 'vocabulary', 'code', 'name', 'std', 'score', 'why'],
      rows: hits.map((hit) => [
        String(hit.concept_id),
        hit.vocabulary_id,
        hit.concept_code,
        shorten(hit.concept_name, 60),
        hit.standard_concept ?? '-',
        hit.score.toFixed(3),
        why(hit),
      ]),
    },
  ];
}

function why({ match, matched_text, concept_name, ranks }: Hit): string {
  const text = match === 'code' || matched_text === concept_name ? '' : ` "${shorten(matched_text, 40)}"`;
  const arms = Object.entries(ranks).map(([arm, rank]) => `${arm} #${rank}`);
  return `${match}${text} (${arms.join(', ')})`;
}

function shorten(text: string, to: number): string {
  return text.length <= to ? text : `${text.slice(0, to - 1)}…`;
}
