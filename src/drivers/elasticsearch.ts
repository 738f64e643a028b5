import { readFile } from 'node:fs/promises';

import { Client, errors } from '@elastic/elasticsearch';

import { PortiereError } from '../errors.ts';
import type { SearchEngine, SearchEngines, SearchEngineTarget } from '../ports/search-engine.ts';
import { engineError, type EngineFault } from './elasticsearch-errors.ts';

/** Elasticsearch through its client, spoken to in the form of version 8, which version 9 understands too. */
export const searchEngines: SearchEngines = {
  async connect(target) {
    const { url, username, password, caFile } = target;
    const client = new Client({
      node: url,
      ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
      ...(caFile === undefined ? {} : { tls: { ca: await readCertificate(caFile) } }),
      maxRetries: 0,
      enableMetaHeader: false,
      redaction: { type: 'remove' },
    });
    return engineOver(client, target);
  },
};

const contentType = 'application/vnd.elasticsearch+json; compatible-with=8';
const linesType = 'application/vnd.elasticsearch+x-ndjson; compatible-with=8';

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  /** Lines of JSON, each with its line end. */
  readonly lines?: string;
  readonly timeout?: number;
  /** Tries beyond the first, for calls that may be repeated. */
  readonly retries?: number;
}

function engineOver(client: Client, { url, timeout, alias = 'concepts' }: SearchEngineTarget): SearchEngine {
  const ask = async <Answer>(call: Call): Promise<Answer> => {
    try {
      return await client.transport.request<Answer>(
        {
          method: call.method,
          path: call.path,
          ...(call.query === undefined ? {} : { querystring: { ...call.query } }),
          ...(call.body === undefined ? {} : { body: call.body }),
          ...(call.lines === undefined ? {} : { bulkBody: call.lines }),
        },
        {
          headers: {
            accept: contentType,
            'content-type': call.lines === undefined ? contentType : linesType,
          },
          requestTimeout: call.timeout ?? timeout,
          maxRetries: call.retries ?? 0,
        },
      );
    } catch (error) {
      throw engineError(faultOf(error), url);
    }
  };
  return {
    url,
    alias,
    async info() {
      const { version } = await ask<{ version: { number: string } }>({ method: 'GET', path: '/' });
      return { version: version.number };
    },
    async health() {
      const { status } = await ask<{ status: 'green' | 'yellow' | 'red' }>({
        method: 'GET',
        path: '/_cluster/health',
      });
      return status;
    },
    async createIndex(name, body) {
      await ask({ method: 'PUT', path: `/${name}`, body, timeout: timeout * 10 });
    },
    async deleteIndex(name) {
      await ask({ method: 'DELETE', path: `/${name}`, query: { ignore_unavailable: true } });
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
    async bulk(index, documents) {
      const lines = documents.map(({ id, json }) => `{"index":{"_id":${JSON.stringify(id)}}}\n${json}\n`);
      const answer = await ask<BulkAnswer>({
        method: 'POST',
        path: `/${index}/_bulk`,
        query: { filter_path: 'errors,items.*._id,items.*.status,items.*.error' },
        lines: lines.join(''),
        timeout: timeout * 10,
        retries: 3,
      });
      return refused(answer, url);
    },
    async refresh(index) {
      await ask({ method: 'POST', path: `/${index}/_refresh`, timeout: timeout * 10, retries: 1 });
    },
    async count(index) {
      const call: Call = { method: 'GET', path: `/${index}/_count`, query: { ignore_unavailable: true } };
      const { count, _shards } = await ask<{ count: number; _shards: { total: number } }>(call);
      return _shards.total === 0 ? undefined : count;
    },
    async search(index, body, within) {
      const answer = await ask<{ hits: { hits: { _id: string; _score: number }[] } }>({
        method: 'POST',
        path: `/${index}/_search`,
        query: { allow_partial_search_results: false, filter_path: 'hits.hits._id,hits.hits._score' },
        body,
        timeout: within ?? timeout,
      });
      return (answer.hits?.hits ?? []).map(({ _id, _score }) => ({ id: _id, score: _score }));
    },
    async aliased(alias) {
      const call: Call = { method: 'GET', path: `/_alias`, retries: 1 };
      const found = await ask<Record<string, { aliases: object }>>(call);
      return Object.keys(found).filter((index) => Object.hasOwn(found[index]?.aliases ?? {}, alias));
    },
    async moveAlias(alias, { from, to }) {
      const actions = [...from.map((index) => ({ remove: { index, alias } })), { add: { index: to, alias } }];
      await ask({ method: 'POST', path: '/_aliases', body: { actions }, timeout: timeout * 10 });
    },
    async close() {
      await client.close();
    },
  };
}

interface BulkAnswer {
  readonly errors: boolean;
  readonly items?: readonly {
    readonly index: {
      readonly _id: string;
      readonly status: number;
      readonly error?: { readonly type: string; readonly reason: string };
    };
  }[];
}

function refused(
  { errors: any, items = [] }: BulkAnswer,
  url: string,
): Awaited<ReturnType<SearchEngine['bulk']>> {
  if (!any) return [];
  return items.flatMap(({ index: { _id: id, status, error } }) => {
    if (error === undefined) return [];
    if (/flood-stage|read-only-allow-delete/.test(error.reason)) {
      throw engineError({ kind: 'refused', status: 429, type: error.type, reason: error.reason }, url);
    }
    return [{ id, status, reason: `${error.type}: ${error.reason}` }];
  });
}

/** What went wrong, without the request: the client's own errors carry what was searched for. */
function faultOf(error: unknown): EngineFault {
  if (error instanceof errors.ResponseError) {
    const body = error.body as { error?: { type?: string; reason?: string } } | undefined;
    return {
      kind: 'refused',
      status: error.statusCode ?? 0,
      type: body?.error?.type ?? 'unknown',
      reason: body?.error?.reason ?? '',
    };
  }
  if (error instanceof errors.TimeoutError) return { kind: 'silent' };
  if (error instanceof errors.ProductNotSupportedError) return { kind: 'stranger' };
  return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) };
}

async function readCertificate(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new PortiereError('CONFIG_INVALID', `The CA file ${file} of Elasticsearch cannot be read.`, {
      hint: 'Check its path and mode.',
      cause: error,
    });
  }
}
