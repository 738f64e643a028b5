import { PortiereError } from '../../src/errors.ts';
import type {
  BulkAnswer,
  BulkLines,
  RefusedDocument,
  SearchEngine,
  SearchEngines,
} from '../../src/ports/search-engine.ts';

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
  /** What each index says of itself. */
  readonly states: Map<string, { uuid: string; meta: Record<string, unknown>; settings: object }>;
  /** What a document is refused with; undefined lets it in. */
  refuse: ((id: string, attempt: number) => Omit<RefusedDocument, 'at'> | undefined) | undefined;
  /** What a request is answered with before anything in it is looked at; undefined lets it in. */
  answer: ((lines: BulkLines) => BulkAnswer | Promise<BulkAnswer> | undefined) | undefined;
}

/** A search engine in memory; a search finds the documents whose name holds one of the words. */
export function fakeSearchEngine(): FakeSearchEngine {
  const indices: FakeSearchEngine['indices'] = new Map();
  const aliases: FakeSearchEngine['aliases'] = new Map();
  const log: string[] = [];
  const searched: { index: string; body: object }[] = [];
  const attempts = new Map<string, number>();
  const states: FakeSearchEngine['states'] = new Map();
  let created = 0;
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
    states,
    refuse: undefined,
    answer: undefined,
    async info() {
      awake();
      return { version: '9.0.0' };
    },
    async health() {
      awake();
      return 'green';
    },
    async createIndex(name, body) {
      awake();
      log.push(`create ${name}`);
      indices.set(name, new Map());
      const { mappings, settings } = body as {
        mappings?: { _meta?: Record<string, unknown> };
        settings?: object;
      };
      states.set(name, { uuid: `u${++created}`, meta: mappings?._meta ?? {}, settings: settings ?? {} });
    },
    async describeIndex(name) {
      awake();
      return indices.has(name) ? (states.get(name) ?? { uuid: 'given', meta: {} }) : undefined;
    },
    async changeIndex(name, { settings, meta }) {
      awake();
      const state = states.get(name);
      if (state === undefined) return;
      if (settings !== undefined) state.settings = settings;
      if (meta !== undefined) state.meta = meta as Record<string, unknown>;
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
    async bulk(index, lines) {
      awake();
      const answer = await engine.answer?.(lines);
      if (answer !== undefined) return answer;
      log.push(`bulk ${lines.documents}`);
      const texts = lines.body.toString().split('\n');
      const refused = Array.from({ length: lines.documents }, (_, at) => at).flatMap((at) => {
        const id = /"_id":"([^"]*)"/.exec(texts[at * 2] ?? '')?.[1] ?? '';
        const attempt = (attempts.get(id) ?? 0) + 1;
        attempts.set(id, attempt);
        const no = engine.refuse?.(id, attempt);
        if (no !== undefined) return [{ at, ...no }];
        indices.get(index)?.set(id, JSON.parse(texts[at * 2 + 1] ?? '') as Record<string, unknown>);
        return [];
      });
      return { kind: 'done', refused };
    },
    async flush() {
      awake();
    },
    async forceMerge(index) {
      awake();
      log.push(`merge ${index}`);
    },
    async settle() {
      awake();
      return 'green';
    },
    async *documents(index, { page }) {
      awake();
      const all = [...(indices.get(index) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      for (let at = 0; at < all.length; at += page)
        yield all.slice(at, at + page).map(([id, source]) => ({ id, source }));
    },
    async refresh() {
      awake();
    },
    async count(index) {
      awake();
      return indices.get(index)?.size;
    },
    async search(index, body, { by }) {
      awake();
      searched.push({ index, body });
      const documents = indices.get(index);
      if (documents === undefined) throw new PortiereError('SEARCH_ENGINE_REFUSED', 'no such index');
      const words = (/"query":"([^"]*)"/.exec(JSON.stringify(body))?.[1] ?? '').toLowerCase().split(' ');
      return [...documents]
        .filter(([, { concept_name }]) =>
          words.some((word) => String(concept_name).toLowerCase().includes(word)),
        )
        .flatMap(([, document], at) => {
          const id = document[by] as string | number | undefined;
          return id === undefined ? [] : [{ id, score: 10 - at / 100 }];
        });
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
