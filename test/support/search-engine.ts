import { PortiereError } from '../../src/errors.ts';
import type { RefusedDocument, SearchEngine, SearchEngines } from '../../src/ports/search-engine.ts';

export interface FakeSearchEngine extends SearchEngine {
  /** Documents by index and id. */
  readonly indices: Map<string, Map<string, Record<string, unknown>>>;
  readonly aliases: Map<string, Set<string>>;
  /** Calls that change something, in order. */
  readonly log: string[];
  /** Bodies of searches. */
  readonly searched: { readonly index: string; readonly body: object }[];
  /** While it is set, nothing answers. */
  down: boolean;
  /** What a document is refused with; undefined lets it in. */
  refuse: ((id: string, attempt: number) => Omit<RefusedDocument, 'id'> | undefined) | undefined;
}

/** A search engine in memory; a search finds the documents whose name holds one of the words. */
export function fakeSearchEngine(): FakeSearchEngine {
  const indices: FakeSearchEngine['indices'] = new Map();
  const aliases: FakeSearchEngine['aliases'] = new Map();
  const log: string[] = [];
  const searched: { index: string; body: object }[] = [];
  const attempts = new Map<string, number>();
  const awake = (): void => {
    if (engine.down) throw new PortiereError('SEARCH_ENGINE_UNREACHABLE', 'Elasticsearch is not reachable.');
  };
  const engine: FakeSearchEngine = {
    url: 'http://fake:9200',
    alias: 'concepts',
    indices,
    aliases,
    log,
    searched,
    down: false,
    refuse: undefined,
    async info() {
      awake();
      return { version: '9.0.0' };
    },
    async health() {
      awake();
      return 'green';
    },
    async createIndex(name) {
      awake();
      log.push(`create ${name}`);
      indices.set(name, new Map());
    },
    async deleteIndex(name) {
      awake();
      if (indices.delete(name)) log.push(`delete ${name}`);
      for (const names of aliases.values()) names.delete(name);
    },
    async listIndices(prefix) {
      awake();
      return [...indices.keys()].filter((name) => name.startsWith(prefix)).toSorted();
    },
    async bulk(index, documents) {
      awake();
      log.push(`bulk ${documents.length}`);
      return documents.flatMap(({ id, json }) => {
        const attempt = (attempts.get(id) ?? 0) + 1;
        attempts.set(id, attempt);
        const refused = engine.refuse?.(id, attempt);
        if (refused !== undefined) return [{ id, ...refused }];
        indices.get(index)?.set(id, JSON.parse(json) as Record<string, unknown>);
        return [];
      });
    },
    async refresh() {
      awake();
    },
    async count(index) {
      awake();
      return indices.get(index)?.size;
    },
    async search(index, body) {
      awake();
      searched.push({ index, body });
      const documents = indices.get(index);
      if (documents === undefined) throw new PortiereError('SEARCH_ENGINE_REFUSED', 'no such index');
      const words = (/"query":"([^"]*)"/.exec(JSON.stringify(body))?.[1] ?? '').toLowerCase().split(' ');
      return [...documents]
        .filter(([, { concept_name }]) =>
          words.some((word) => String(concept_name).toLowerCase().includes(word)),
        )
        .map(([id], at) => ({ id, score: 10 - at / 100 }));
    },
    async aliased(alias) {
      awake();
      return [...(aliases.get(alias) ?? [])];
    },
    async moveAlias(alias, { from, to }) {
      awake();
      log.push(`alias ${from.join()} -> ${to}`);
      const names = aliases.get(alias) ?? new Set();
      for (const name of from) names.delete(name);
      aliases.set(alias, names.add(to));
    },
    async close() {},
  };
  return engine;
}

/** A port that always gives the same engine. */
export function onlyEngine(engine: SearchEngine): SearchEngines {
  return { connect: async () => engine };
}
