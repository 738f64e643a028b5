import { readFile } from 'node:fs/promises';

import { Client, ClusterConnectionPool, errors } from '@elastic/elasticsearch';

import { PortiereError } from '../errors.ts';
import type { SearchEngines, SearchEngineTarget } from '../ports/search-engine.ts';
import type { Answered, Ask, Attempt, Call } from './elasticsearch-call.ts';
import { engineOver } from './elasticsearch-engine.ts';
import { type EngineAddress, engineError, type EngineFault } from './elasticsearch-errors.ts';
import { greeter } from './elasticsearch-greeting.ts';

/** Longer than any call's own deadline, which is what counts. */
const longest = 3_600_000 + 1;

/** Elasticsearch through its client; in which form it is spoken to is chosen by the version that it answers first. */
export const searchEngines: SearchEngines = {
  async connect(target) {
    const { url, others = [], username, password, apiKey, caFile } = target;
    const byPassword = username !== undefined && password !== undefined;
    const client = new Client({
      nodes: [url, ...others],
      // It asks no node again for a while that did not answer; with one node that would be nobody.
      ...(others.length === 0 ? {} : { ConnectionPool: ClusterConnectionPool }),
      ...(apiKey === undefined ? (byPassword ? { auth: { username, password } } : {}) : { auth: { apiKey } }),
      ...(caFile === undefined ? {} : { tls: { ca: await readCertificate(caFile) } }),
      maxRetries: 0,
      requestTimeout: longest,
      enableMetaHeader: false,
      redaction: { type: 'remove' },
    });
    const login = apiKey === undefined ? (byPassword ? 'password' : 'nothing') : 'API key';
    return open(client, target, { url, login, caFile });
  },
};

function open(
  client: Client,
  target: SearchEngineTarget,
  address: EngineAddress,
): ReturnType<typeof engineOver> {
  const { url, timeout, others = [] } = target;
  const nodes = others.length + 1;
  const plainly = async <Answer>(call: Call): Promise<Answered<Answer>> =>
    await perform<Answer>(client, call, {
      timeout,
      nodes,
      json: 'application/json',
      lines: 'application/x-ndjson',
    });
  const greetings = greeter({ url, plainly });
  const attempt: Attempt = async <Answer>(call: Call): Promise<Answered<Answer>> => {
    const greeting = await greetings.greet(Math.min(timeout, call.timeout ?? timeout));
    if ('fault' in greeting) return greeting;
    const form = (what: string): string =>
      `application/vnd.elasticsearch+${what}; compatible-with=${greeting.body.form}`;
    const answered = await perform<Answer>(client, call, {
      timeout,
      nodes,
      json: form('json'),
      lines: form('x-ndjson'),
    });
    if (!('fault' in answered) || answered.fault.kind !== 'refused') return answered;
    // Another server stands there now.
    if (answered.fault.type.startsWith('media_type_header')) greetings.forget();
    return answered.fault.status === 401 ? { fault: { kind: 'forgot' } } : answered;
  };
  const told = <Answer>(answered: Answered<Answer>): Answer => {
    if ('fault' in answered) throw engineError(answered.fault, address);
    return answered.body;
  };
  const ask: Ask = async (call) => told(await attempt(call));
  return engineOver({
    target,
    address,
    attempt,
    ask,
    async version() {
      const { version } = told(await greetings.greet(timeout));
      if (version !== 'unknown') return version;
      // Whoever may not see the version is told so by the server itself.
      return (await ask<{ version: { number: string } }>({ method: 'GET', path: '/' })).version.number;
    },
    async close() {
      await client.close();
    },
  });
}

interface Forms {
  readonly timeout: number;
  readonly nodes: number;
  readonly json: string;
  readonly lines: string;
}

/** One request, to as many nodes as need be; its deadline holds until the last byte of the answer. */
async function perform<Answer>(client: Client, call: Call, forms: Forms): Promise<Answered<Answer>> {
  const deadline = call.timeout ?? forms.timeout;
  // Not AbortSignal.timeout: it keeps what it was given to, answer and all, until the time is over.
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort(new DOMException('no answer in time', 'TimeoutError'));
  }, deadline);
  try {
    return await performUntil<Answer>(client, call, { ...forms, deadline, signal: stop.signal });
  } finally {
    clearTimeout(timer);
  }
}

async function performUntil<Answer>(
  client: Client,
  call: Call,
  sending: Sending & { readonly deadline: number },
): Promise<Answered<Answer>> {
  const { nodes, deadline, signal } = sending;
  // A node that hangs leaves half of the time to another: what is called then may be repeated.
  const share = nodes > 1 && call.waits !== true ? { requestTimeout: deadline / 2 } : {};
  for (;;) {
    try {
      return { body: await send<Answer>(client, call, { ...sending, ...share }) };
    } catch (error) {
      const isHalf = error instanceof errors.TimeoutError && 'requestTimeout' in share;
      if (!isHalf || signal.aborted) return { fault: signal.aborted ? { kind: 'silent' } : faultOf(error) };
    }
  }
}

interface Sending extends Forms {
  readonly signal: AbortSignal;
  readonly requestTimeout?: number;
}

async function send<Answer>(client: Client, call: Call, sending: Sending): Promise<Answer> {
  const { nodes, json, lines, signal, requestTimeout } = sending;
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
        accept: json,
        ...(call.lines === undefined && call.body === undefined
          ? {}
          : { 'content-type': call.lines === undefined ? json : lines }),
      },
      signal,
      ...(requestTimeout === undefined ? {} : { requestTimeout }),
      maxRetries: Math.max(call.retries ?? 0, nodes - 1),
    },
  );
}

/** What went wrong, without the request: the client's own errors carry what was searched for. */
function faultOf(error: unknown): EngineFault {
  if (error instanceof errors.ResponseError) {
    const body = error.body as { error?: { type?: string; reason?: string } } | string | undefined;
    const told = typeof body === 'object' ? body.error : undefined;
    return {
      kind: 'refused',
      status: error.statusCode ?? 0,
      type: told?.type ?? 'unknown',
      reason: told?.reason ?? (typeof body === 'string' ? body.slice(0, 500) : ''),
    };
  }
  if (error instanceof errors.TimeoutError) return { kind: 'silent' };
  if (error instanceof errors.ProductNotSupportedError) return { kind: 'stranger' };
  // Its own words quote the answer.
  if (error instanceof errors.DeserializationError)
    return { kind: 'broken', reason: 'its answer is cut short' };
  return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) };
}

async function readCertificate(file: string): Promise<string> {
  const unusable = (what: string, cause?: unknown): PortiereError =>
    new PortiereError('CONFIG_INVALID', `The CA file ${file} of Elasticsearch ${what}.`, {
      hint: 'ELASTICSEARCH_CA_FILE names a PEM file: check its path, mode and content.',
      cause,
    });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unusable('cannot be read', error);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw unusable('holds no certificate');
  return text;
}
