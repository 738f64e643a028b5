import { PortiereError } from '../errors.ts';
import type { Outcome, Ports } from '../ports.ts';
import { operatorPass, passHeader } from '../search/api/operator-pass.ts';
import { isStack, openProject } from './context.ts';
import { type SearchAnswer, type SearchOptions, searchView } from './search-view.ts';
import { serverUrl } from './server-state.ts';

const insideUrl = 'http://127.0.0.1:8000';

/** Asks the running search API and shows what it found and why. */
export async function search(ports: Ports, options: SearchOptions): Promise<Outcome> {
  const project = await openProject(ports, options);
  if (isStack(project))
    return await (await import('./stack/search.ts')).searchInStack(ports, options, project);
  const { inside, settings } = project.config;
  const answer =
    inside === null
      ? await ask(ports, await serverUrl(ports, project), options)
      : // Beside the API in its own container; the salt they share stands for a key.
        await ask(ports, insideUrl, options, {
          [passHeader]: operatorPass(settings.API_KEY_SALT?.reveal() ?? '', ports.clock.now().getTime()),
        });
  return { data: answer, view: searchView(options.text, answer) };
}

export async function ask(
  ports: Ports,
  url: string,
  options: SearchOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<SearchAnswer> {
  const { status, body } = await ports.http.get(
    `${url}/v1/search?${queryString(options)}`,
    (options.timeout ?? 30) * 1000,
    headers,
  );
  if (status === 200) return body as SearchAnswer;
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
