import type { Config } from '../config/config.ts';
import type { Ports } from '../ports.ts';
import type { SearchEngine } from '../ports/search-engine.ts';
import type { Copies } from '../search/lexical/elasticsearch-copies.ts';
import type { Project } from './context.ts';

/** Milliseconds for an ordinary call of a job; a search has a shorter one of its own. */
export const callTimeout = 10_000;

/** A client of the stack's search engine, to be closed; undefined in `embedded`, whose builds have full text of their own. */
export async function searchEngineOf(
  ports: Ports,
  { config, resolve }: Project,
): Promise<SearchEngine | undefined> {
  if (config.base === 'embedded') return undefined;
  const { settings } = config;
  const password = settings.ELASTIC_PASSWORD?.reveal() ?? '';
  const apiKey = settings.ELASTICSEARCH_API_KEY?.reveal() ?? '';
  const caFile = settings.ELASTICSEARCH_CA_FILE;
  const [url, ...others] = settings.ELASTICSEARCH_URL;
  return await ports.searchEngines.connect({
    url,
    others,
    alias: settings.ELASTICSEARCH_INDEX,
    timeout: callTimeout,
    ...(password === '' ? {} : { username: settings.ELASTICSEARCH_USERNAME, password }),
    ...(apiKey === '' ? {} : { apiKey }),
    ...(caFile === '' ? {} : { caFile: resolve(caFile) }),
  });
}

/** Copies of an index that are configured. */
export function copiesOf({ ELASTICSEARCH_REPLICAS: copies }: Config['settings']): Copies {
  return copies === 'auto' ? copies : Number(copies);
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
