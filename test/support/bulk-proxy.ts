import { createServer, request } from 'node:http';

import { freePort } from './cli.ts';

export interface BulkLine {
  readonly action: string;
  readonly source: string;
  readonly id: string;
}

/** What a proxy does with a bulk request instead of passing it on. */
export type Meddling =
  /** Answers for all of it. */
  | { readonly status: number }
  /** Says of these places that they were refused so, and passes on the rest. */
  | { readonly refuse: ReadonlyMap<number, number> }
  /** Passes on other lines. */
  | { readonly lines: readonly BulkLine[] };

export interface BulkProxy {
  readonly port: number;
  /** Decides over each bulk request; undefined passes it on. */
  meddle: (lines: readonly BulkLine[], bytes: number) => Meddling | undefined;
  close(): Promise<void>;
}

/** An HTTP proxy in front of Elasticsearch that understands bulk requests. */
export async function bulkProxy(behind: number): Promise<BulkProxy> {
  const port = await freePort();
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const isBulk = incoming.url?.includes('/_bulk') === true;
      const lines = isBulk ? parse(body) : [];
      const meddling = isBulk ? proxy.meddle(lines, body.length) : undefined;
      if (meddling !== undefined && 'status' in meddling) {
        outgoing.writeHead(meddling.status, { 'content-type': 'application/json' });
        outgoing.end(
          JSON.stringify({ error: { type: 'injected', reason: 'injected' }, status: meddling.status }),
        );
        return;
      }
      const refused = meddling !== undefined && 'refuse' in meddling ? meddling.refuse : undefined;
      const passed =
        meddling !== undefined && 'lines' in meddling
          ? meddling.lines
          : lines.filter((_, at) => !refused?.has(at));
      const sent = meddling === undefined ? body : Buffer.from(passed.map(text).join(''));
      if (refused !== undefined && passed.length === 0) {
        answer(outgoing, merge(lines, refused, { items: [] }));
        return;
      }
      const { 'content-length': _, ...headers } = incoming.headers;
      const forward = request(
        {
          port: behind,
          host: '127.0.0.1',
          method: incoming.method,
          path: incoming.url,
          headers: { ...headers, 'content-length': sent.length },
        },
        (answered) => {
          const parts: Buffer[] = [];
          answered.on('data', (part: Buffer) => parts.push(part));
          answered.on('end', () => {
            const all = Buffer.concat(parts);
            const changed =
              refused === undefined ? all : merge(lines, refused, JSON.parse(all.toString()) as Answer);
            const { 'content-length': _, 'transfer-encoding': __, ...rest } = answered.headers;
            outgoing.writeHead(answered.statusCode ?? 502, { ...rest, 'content-length': changed.length });
            outgoing.end(changed);
          });
        },
      );
      forward.on('error', () => outgoing.destroy());
      forward.end(sent);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const proxy: BulkProxy = {
    port,
    meddle: () => undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

interface Answer {
  readonly items: readonly unknown[];
}

function answer(outgoing: import('node:http').ServerResponse, body: Buffer): void {
  outgoing.writeHead(200, {
    'content-type': 'application/vnd.elasticsearch+json;compatible-with=8',
    'x-elastic-product': 'Elasticsearch',
    'content-length': body.length,
  });
  outgoing.end(body);
}

function parse(body: Buffer): BulkLine[] {
  const lines = body.toString().split('\n');
  return Array.from({ length: Math.floor(lines.length / 2) }, (_, at) => {
    const action = lines[at * 2] ?? '';
    return { action, source: lines[at * 2 + 1] ?? '', id: /"_id":"([^"]*)"/.exec(action)?.[1] ?? '' };
  });
}

function text({ action, source }: BulkLine): string {
  return `${action}\n${source}\n`;
}

function merge(lines: readonly BulkLine[], refused: ReadonlyMap<number, number>, given: Answer): Buffer {
  const left = [...given.items];
  const items = lines.map((_, at) => {
    const status = refused.get(at);
    return status === undefined
      ? left.shift()
      : { index: { status, error: { type: 'injected', reason: 'refused by the proxy' } } };
  });
  return Buffer.from(JSON.stringify({ errors: true, items }));
}
