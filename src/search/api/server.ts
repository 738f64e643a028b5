import { randomUUID } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';

import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { fromSystemError } from '../../errors.ts';
import { search } from '../hybrid/search.ts';
import type { Filters } from '../lexical/filter.ts';
import type { KeyGate } from './key-gate.ts';
import type { Limiter } from './limiter.ts';
import type { LiveIndex } from './live-index.ts';
import type { Metrics } from './metrics.ts';
import { Problem, problemBody } from './problem.ts';
import { probeReadiness, type ReadinessParts } from './readiness.ts';
import {
  conceptAnswer,
  health,
  jsonSchema,
  problem,
  readiness,
  searchAnswer,
  searchQuery,
} from './schemas.ts';

export interface ApiParts extends Omit<ReadinessParts, 'index' | 'limiter'> {
  readonly index: LiveIndex;
  readonly limiter: Limiter;
  readonly metrics: Metrics;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Takes the JSON lines of the log, each with its line end. */
  readonly log: (line: string) => void;
  readonly corsOrigins: readonly string[];
  /** Where it is given, `/v1/` needs a valid key, and the rate limit is that of the key. */
  readonly keys?: KeyGate;
  /** A proxy stands in front: the client is the last address that it names, and no other. */
  readonly behindProxy?: boolean;
}

/** Milliseconds that readiness waits for a build which is being opened. */
const readyPatience = 2_000;

/** The search API, not yet listening. */
export async function newServer(parts: ApiParts): Promise<FastifyInstance> {
  const app = fastify({
    logger: { level: parts.logLevel, serializers: { req: logged }, stream: { write: parts.log } },
    genReqId: () => randomUUID(),
    requestTimeout: 30_000,
    bodyLimit: 64 * 1024,
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: true } },
    forceCloseConnections: 'idle',
    // Exactly one hop: what a client itself writes into X-Forwarded-For stands farther back.
    trustProxy: parts.behindProxy === true ? (_address, hop) => hop < 1 : false,
    // An address that cannot be decoded, or a part of it that is too long, never gets to a route.
    frameworkErrors: (error, request, reply) => {
      void sendProblem(error, request, reply);
    },
  });
  app.setErrorHandler(async (error, request, reply) => {
    await sendProblem(error, request, reply);
  });
  app.setNotFoundHandler(() => {
    throw new Problem(404, 'no_route', 'There is nothing at this address; see /openapi.json.');
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (allowOrigin(request, reply, parts.corsOrigins) && request.method === 'OPTIONS') {
      await reply.headers(preflightHeaders).code(204).send();
      return;
    }
    // The route's own address: the one asked for may be written in other ways (`/%76%31/search`).
    if (!(request.routeOptions.url ?? request.url).startsWith('/v1/')) return;
    const key = await checkKey(parts, request);
    await limit(parts.limiter, key === undefined ? `ip:${request.ip}` : `key:${key}`);
  });
  app.addHook('onResponse', async (request, reply) => {
    parts.metrics.observe(request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000);
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'portiere search API',
        version: parts.version,
        description: 'Hybrid search over OMOP concepts.',
      },
      ...(parts.keys === undefined ? {} : keysInOpenApi),
    },
  });
  addRoutes(app, parts);
  return app;
}

/** Browsers ask before they send a key; what they may is the same for every address. */
const preflightHeaders = {
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': 'authorization, x-api-key',
  'access-control-max-age': '600',
};

/** Names the origin of a request as allowed, where it is. */
function allowOrigin(request: FastifyRequest, reply: FastifyReply, allowed: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !(allowed.includes(origin) || allowed.includes('*'))) return false;
  reply.header('access-control-allow-origin', origin).header('vary', 'origin');
  return true;
}

/** The id of the key, where keys are asked for. A client that was refused often is not listened to any more. */
async function checkKey({ keys, limiter }: ApiParts, request: FastifyRequest): Promise<string | undefined> {
  if (keys === undefined) return undefined;
  const guesser = `guess:${request.ip}`;
  try {
    return await keys.check(request.headers);
  } catch (error) {
    await limit(limiter, guesser);
    throw error;
  }
}

const keysInOpenApi = {
  components: {
    securitySchemes: {
      bearer: { type: 'http' as const, scheme: 'bearer' },
      header: { type: 'apiKey' as const, in: 'header', name: 'x-api-key' },
    },
  },
  security: [{ bearer: [] }, { header: [] }],
};

/** Listens; PORT_IN_USE and the like come as they are for the caller to word. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw fromSystemError(error, `${host}:${port}`);
  }
}

/** Takes no more requests and finishes those under way; connections that still hang after `grace` ms are cut. */
export async function closeServer(app: FastifyInstance, grace: number): Promise<void> {
  const timer = setTimeout(() => {
    app.server.closeAllConnections();
  }, grace);
  await app.close();
  clearTimeout(timer);
}

async function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { status, body } = problemBody(error, request.id);
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const headers = error instanceof Problem ? error.headers : {};
  await reply.code(status).headers(headers).type('application/problem+json').send(body);
}

/** Never the query string: what people search for is nobody's business. */
function logged(request: FastifyRequest): Record<string, unknown> {
  return { method: request.method, path: request.url.split('?')[0], client: request.ip };
}

async function limit(limiter: Limiter, client: string): Promise<void> {
  const { allowed, retryAfter } = await limiter.take(client);
  if (allowed) return;
  throw new Problem(429, 'rate_limited', `Too many requests; try again in ${retryAfter} s.`, {
    'retry-after': String(retryAfter),
  });
}

function addRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { index, metrics, now, version } = parts;
  const errors = { '4xx': jsonSchema(problem), '5xx': jsonSchema(problem) };

  app.get('/health', { schema: { tags: ['health'], response: { 200: jsonSchema(health) } } }, async () => ({
    status: index.state().build === null ? 'unhealthy' : 'healthy',
    version,
    timestamp: now().toISOString(),
  }));
  app.get(
    '/health/live',
    { schema: { tags: ['health'], response: { 200: jsonSchema(health) } } },
    async () => ({
      status: 'alive',
      version,
      timestamp: now().toISOString(),
    }),
  );
  app.get(
    '/health/ready',
    { schema: { tags: ['health'], response: { 200: jsonSchema(readiness), 503: jsonSchema(readiness) } } },
    async (_request, reply) => {
      // A build that was just published is taken first, unless opening it takes longer than a probe waits: the one
      // before answers meanwhile.
      await Promise.race([index.refresh(), rest(readyPatience, undefined, { ref: false })]);
      const { status, body } = await probeReadiness(parts);
      return await reply.code(status).send(body);
    },
  );
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return await reply
      .type(metrics.contentType)
      .send(await metrics.text({ build: index.state().build, limiterDegraded: parts.limiter.degraded() }));
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());

  app.get<{ Querystring: Filters & { q: string; limit: number } }>(
    '/v1/search',
    {
      schema: {
        tags: ['search'],
        summary: 'Concepts for a text or a code',
        querystring: jsonSchema(searchQuery, 'input'),
        response: { 200: jsonSchema(searchAnswer), ...errors },
      },
    },
    async ({ query, log }) => {
      const { q, limit: wanted, ...filters } = query;
      if (q.trim() === '') throw new Problem(400, 'invalid_request', 'q holds nothing to look for');
      const start = performance.now();
      return await index.use(async (build) => {
        const { denseFailure, wordsFailure, ...answer } = await search(build, index.embedder, {
          q,
          filters,
          limit: wanted,
        });
        if (denseFailure !== undefined) log.error({ err: denseFailure }, 'the vectors did not answer');
        if (wordsFailure !== undefined) log.error({ err: wordsFailure }, 'the words did not answer');
        const took_ms = Number((performance.now() - start).toFixed(1));
        return { ...answer, embedding: build.manifest.embedding, took_ms };
      });
    },
  );
  const conceptSchema = { tags: ['concepts'], response: { 200: jsonSchema(conceptAnswer), ...errors } };
  app.get<{ Params: { id: string } }>('/v1/concepts/:id', { schema: conceptSchema }, async ({ params }) => {
    const id = Number(params.id);
    if (!/^\d{1,16}$/.test(params.id) || !Number.isSafeInteger(id)) {
      throw new Problem(400, 'invalid_request', 'a concept id is a whole number');
    }
    return await page(index, (build) => build.lexical.concept(id)?.concept_id);
  });
  app.get<{ Params: { vocabulary: string; code: string } }>(
    '/v1/concepts/:vocabulary/:code',
    { schema: conceptSchema },
    async ({ params }) =>
      await page(index, (build) => build.lexical.conceptByCode(params.vocabulary, params.code)?.concept_id),
  );
}

async function page(
  index: LiveIndex,
  find: (build: Parameters<Parameters<LiveIndex['use']>[0]>[0]) => number | undefined,
): Promise<unknown> {
  return await index.use(async (build) => {
    const id = find(build);
    const found = id === undefined ? undefined : build.lexical.page(id);
    if (found === undefined) throw new Problem(404, 'no_concept', 'This build has no such concept.');
    return { build: build.manifest.id, ...found };
  });
}
