import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import type { Hit } from '../search/hybrid/search.ts';
import { openProject, requireEmbedded } from './context.ts';
import { serverUrl } from './server-state.ts';

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

interface Answer {
  readonly build: string;
  readonly took_ms: number;
  readonly embedding: { readonly provider: string; readonly model: string };
  readonly hits: readonly Hit[];
}

/** Asks the running search API and shows what it found and why. */
export async function search(ports: Ports, options: SearchOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  requireEmbedded(project, 'search');
  const answer = await ask(ports, await serverUrl(ports, project), options);
  return { data: answer, view: searchView(options.text, answer) };
}

export async function ask(ports: Ports, url: string, options: SearchOptions): Promise<Answer> {
  const { status, body } = await ports.http.get(
    `${url}/v1/search?${queryString(options)}`,
    (options.timeout ?? 30) * 1000,
  );
  if (status === 200) return body as Answer;
  const detail = (body as { detail?: string }).detail ?? `status ${status}`;
  if (status === 400) {
    throw new PortiereError('USAGE', `The search API refuses the query: ${detail}`, {
      hint: 'See: portiere search --help',
    });
  }
  throw new PortiereError('SERVER_UNREACHABLE', `The search API answers: ${detail}`, {
    hint: 'See: portiere health',
  });
}

export function searchView(text: string, { hits, took_ms, build, embedding }: Answer): Outcome['view'] {
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

function queryString(options: SearchOptions): string {
  const query = new URLSearchParams({ q: options.text });
  if (options.limit !== undefined) query.set('limit', options.limit);
  if (options.valid !== undefined) query.set('valid', String(options.valid));
  const lists = {
    vocabulary_id: options.vocabularyId,
    exclude_vocabulary_id: options.excludeVocabularyId,
    domain_id: options.domainId,
    concept_class_id: options.conceptClassId,
    standard_concept: options.standardConcept,
  };
  for (const [name, values] of Object.entries(lists))
    for (const value of values ?? []) query.append(name, value);
  return query.toString();
}
