import type { Ports } from '../ports.ts';
import type { SearchEngine } from '../ports/search-engine.ts';
import type { Project } from './context.ts';

/** Milliseconds for an ordinary call of a job; a search has a shorter one of its own. */
const callTimeout = 10_000;

/** A client of the stack's search engine, to be closed; undefined in `embedded`, whose builds have full text of their own. */
export async function searchEngineOf(ports: Ports, { config }: Project): Promise<SearchEngine | undefined> {
  if (config.base === 'embedded') return undefined;
  const { ELASTICSEARCH_URL: url, ELASTICSEARCH_INDEX: alias, ELASTIC_PASSWORD } = config.settings;
  const password = ELASTIC_PASSWORD?.reveal() ?? '';
  return await ports.searchEngines.connect({
    url,
    alias,
    timeout: callTimeout,
    ...(password === '' ? {} : { username: 'elastic', password }),
  });
}

/** Works with the stack's search engine, as far as it has one, and closes the client. */
export async function withSearchEngine<T>(
  ports: Ports,
  project: Project,
  work: (engine: SearchEngine | undefined) => Promise<T>,
): Promise<T> {
  const engine = await searchEngineOf(ports, project);
  try {
    return await work(engine);
  } finally {
    await engine?.close();
  }
}
