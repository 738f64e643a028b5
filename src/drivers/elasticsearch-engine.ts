import { isDeepStrictEqual } from 'node:util';

import { PortiereError } from '../errors.ts';
import type { SearchEngine, SearchEngineTarget } from '../ports/search-engine.ts';
import { bulkOver } from './elasticsearch-bulk.ts';
import type { Ask, Attempt, Call } from './elasticsearch-call.ts';
import { unassigned } from './elasticsearch-disk.ts';
import { diskFull, type EngineAddress, engineError, isPassing } from './elasticsearch-errors.ts';

export interface EngineParts {
  readonly target: SearchEngineTarget;
  readonly address: EngineAddress;
  readonly attempt: Attempt;
  readonly ask: Ask;
  version(): Promise<string>;
  close(): Promise<void>;
}

const hour = 3_600_000;

/** The calls of a search engine, over what performs them. */
export function engineOver(parts: EngineParts): SearchEngine {
  const { ask, attempt, target, address } = parts;
  const { url, alias = 'concepts', timeout } = target;
  const long = timeout * 6;
  return {
    url,
    alias,
    async info() {
      return { version: await parts.version() };
    },
    async health() {
      const call = { method: 'GET', path: '/_cluster/health' } as const;
      return (await ask<{ status: 'green' | 'yellow' | 'red' }>(call)).status;
    },
    async createIndex(name, body) {
      const call = { method: 'PUT', path: `/${name}`, body, timeout: long, waits: true } as const;
      const answered = await attempt<{ shards_acknowledged: boolean }>(call);
      if ('body' in answered) {
        if (!answered.body.shards_acknowledged) throw await nowhere(ask, address, name);
        return;
      }
      // Where a node is lost after it made it, the next one that is asked finds it there.
      const { fault } = answered;
      const exists = fault.kind === 'refused' && fault.type === 'resource_already_exists_exception';
      const meta = (body as { mappings?: { _meta?: object } }).mappings?._meta;
      const mine =
        exists && meta !== undefined && isDeepStrictEqual((await this.describeIndex(name))?.meta, meta);
      if (!mine) throw engineError(fault, address);
    },
    async describeIndex(name) {
      type Described = Record<
        string,
        { settings: { index: { uuid: string } }; mappings?: { _meta?: Record<string, unknown> } }
      >;
      const found = await ask<Described>({
        method: 'GET',
        path: `/${name}`,
        query: { ignore_unavailable: true, filter_path: '*.settings.index.uuid,*.mappings._meta' },
        retries: 1,
      });
      const one = found[name];
      return one === undefined
        ? undefined
        : { uuid: one.settings.index.uuid, meta: one.mappings?._meta ?? {} };
    },
    async changeIndex(name, { settings, meta }) {
      if (settings !== undefined)
        await ask({ method: 'PUT', path: `/${name}/_settings`, body: settings, timeout: long });
      if (meta !== undefined)
        await ask({ method: 'PUT', path: `/${name}/_mapping`, body: { _meta: meta }, timeout: long });
    },
    async deleteIndex(name) {
      const query = { ignore_unavailable: true };
      await ask({ method: 'DELETE', path: `/${name}`, query, timeout: long });
    },
    async listIndices(prefix) {
      const found = await ask<object>({
        method: 'GET',
        path: `/${prefix}*`,
        query: { filter_path: '*.settings.index.uuid', expand_wildcards: 'all' },
        retries: 1,
      });
      return Object.keys(found).toSorted();
    },
    bulk: bulkOver(parts, long),
    async refresh(index) {
      await ask({ method: 'POST', path: `/${index}/_refresh`, timeout: long });
    },
    async flush(index) {
      await ask({ method: 'POST', path: `/${index}/_flush`, timeout: long });
    },
    async forceMerge(index) {
      const query = { max_num_segments: 1 };
      await ask({ method: 'POST', path: `/${index}/_forcemerge`, query, timeout: hour, waits: true });
    },
    async settle(index, patience) {
      const answered = await attempt<{ status: 'green' | 'yellow' | 'red' }>({
        method: 'GET',
        path: `/_cluster/health/${index}`,
        query: {
          wait_for_status: 'green',
          wait_for_no_initializing_shards: true,
          timeout: `${patience}ms`,
        },
        timeout: patience + timeout,
        waits: true,
      });
      // That the time is up is an error to some versions.
      return 'body' in answered ? answered.body.status : await this.health();
    },
    async count(index) {
      const call = {
        method: 'GET',
        path: `/${index}/_count`,
        query: { ignore_unavailable: true },
        retries: 1,
      } as const;
      const { count, _shards } = await ask<{ count: number; _shards: { total: number } }>(call);
      return _shards.total === 0 ? undefined : count;
    },
    async search(index, body, { by, timeout: within = timeout }) {
      type Hit = { readonly fields?: Readonly<Record<string, readonly (string | number)[]>>; _score: number };
      const call = {
        method: 'POST',
        path: `/${index}/_search`,
        query: {
          allow_partial_search_results: false,
          filter_path: `hits.hits.fields.${by},hits.hits._score`,
        },
        // What is stored, the `_id` too, is unpacked with a whole block of other documents around each hit.
        body: { ...body, stored_fields: '_none_', docvalue_fields: [by] },
      } as const;
      const answer = await whileNodesLeave<{ hits?: { hits?: Hit[] } }>(parts, call, within);
      return (answer.hits?.hits ?? []).flatMap(({ fields, _score }) => {
        const id = fields?.[by]?.[0];
        // What another program wrote there has no place here.
        return id === undefined ? [] : [{ id, score: _score }];
      });
    },
    async *documents(index, { by, page, vector }) {
      const keep_alive = '2m';
      const opened = { method: 'POST', path: `/${index}/_pit`, query: { keep_alive } } as const;
      const { id } = await ask<{ id: string }>(opened);
      try {
        for (let after: readonly unknown[] | undefined; ;) {
          const body = {
            size: page,
            pit: { id, keep_alive },
            sort: [{ [by]: 'asc' }],
            track_total_hits: false,
            ...(vector === undefined ? {} : { fields: [vector], _source: { excludes: [vector] } }),
            ...(after === undefined ? {} : { search_after: after }),
          };
          const query = {
            allow_partial_search_results: false,
            filter_path: 'hits.hits._id,hits.hits._source,hits.hits.fields,hits.hits.sort',
          };
          const answer = await ask<{ hits?: { hits?: Found[] } }>({
            method: 'POST',
            path: '/_search',
            query,
            body,
            timeout: long,
            retries: 1,
          });
          const found = answer.hits?.hits ?? [];
          if (found.length > 0)
            yield found.map(({ _id, _source, fields }) => ({
              id: _id,
              source: _source,
              vector: vector === undefined ? undefined : fields?.[vector],
            }));
          if (found.length < page) return;
          after = found.at(-1)?.sort;
        }
      } finally {
        // It ends by itself where this fails.
        await attempt({ method: 'DELETE', path: '/_pit', body: { id } });
      }
    },
    async aliased(alias) {
      const call = { method: 'GET', path: `/_alias/${alias}`, retries: 1 } as const;
      const answered = await attempt<object>(call);
      if ('body' in answered) return Object.keys(answered.body);
      const { fault } = answered;
      if (fault.kind === 'refused' && fault.status === 404) return [];
      throw engineError(fault, address);
    },
    async moveAlias(alias, { from, to }) {
      const actions = [
        ...from.map((index) => ({ remove: { index, alias, must_exist: false } })),
        { add: { index: to, alias } },
      ];
      await ask({ method: 'POST', path: '/_aliases', body: { actions }, timeout: long, waits: true });
    },
    async close() {
      await parts.close();
    },
  };
}

/**
 * One that looks is asked again until its time is up, where there are several nodes: one that is lost takes its
 * copies with it, and for a moment nobody knows which others there are.
 */
async function whileNodesLeave<Answer>(
  { attempt, address, target }: EngineParts,
  call: Call,
  within: number,
): Promise<Answer> {
  const end = performance.now() + within;
  for (let pause = 50; ; pause *= 2) {
    const answered = await attempt<Answer>({
      ...call,
      timeout: Math.max(1, Math.ceil(end - performance.now())),
    });
    if ('body' in answered) return answered.body;
    const alone = (target.others ?? []).length === 0;
    if (alone || !isPassing(answered.fault) || performance.now() + pause > end)
      throw engineError(answered.fault, address);
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
}

interface Found {
  readonly _id: string;
  readonly _source: unknown;
  readonly fields?: Readonly<Record<string, readonly number[]>>;
  readonly sort: readonly unknown[];
}

/** An index was created and no node took it. */
async function nowhere(ask: Ask, { url }: EngineAddress, index: string): Promise<PortiereError> {
  const where = `Elasticsearch at ${url}`;
  const cause = await unassigned(ask, index);
  if (cause?.disk === true) return diskFull(where, cause.reason);
  return new PortiereError(
    'SEARCH_ENGINE_UNREACHABLE',
    `${where} has no node for the index ${index}: ${cause?.reason ?? 'it does not say why'}.`,
    { hint: 'Run the same command again once it is well; see: portiere health' },
  );
}
