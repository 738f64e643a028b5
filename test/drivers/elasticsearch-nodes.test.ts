import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import type { SearchEngine } from '../../src/ports/search-engine.ts';

type Node = { readonly url: string; asked: number; state: 'well' | 'hangs' | 'not ready' };

const servers: Server[] = [];
let engine: SearchEngine | undefined;
afterEach(async () => {
  await engine?.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function node(): Promise<Node> {
  const server = createServer((request, response) => {
    one.asked += 1;
    request.resume();
    if (one.state === 'hangs') return;
    response.writeHead(one.state === 'well' ? 200 : 503, {
      'content-type': 'application/json',
      'x-elastic-product': 'Elasticsearch',
    });
    response.end(
      JSON.stringify({ version: { number: '9.4.3' }, hits: { hits: [{ fields: { a: ['7'] }, _score: 1 }] } }),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const one: Node = { url: `http://127.0.0.1:${port}`, asked: 0, state: 'well' };
  return one;
}

async function over(first: string, ...others: readonly string[]): Promise<SearchEngine> {
  engine = await searchEngines.connect({ url: first, others, timeout: 1_000 });
  return engine;
}
const gone = 'http://127.0.0.1:1';
const hits = [{ id: '7', score: 1 }];

describe('a cluster of several nodes', () => {
  it('answers by those that are there', async () => {
    const well = await node();
    const cluster = await over(gone, well.url, 'http://127.0.0.1:2');
    for (let times = 0; times < 5; times += 1)
      expect(await cluster.search('i', {}, { by: 'a' })).toEqual(hits);
    expect(well.asked).toBe(6);
  });

  it.each(['hangs', 'not ready'] as const)(
    'answers within the deadline of a call while one %s, which is then left alone',
    async (state) => {
      const [sick, well] = [await node(), await node()];
      const cluster = await over(sick.url, well.url);
      await cluster.search('i', {}, { by: 'a' });
      sick.state = state;
      const start = performance.now();
      for (let times = 0; times < 4; times += 1)
        expect(await cluster.search('i', {}, { by: 'a', timeout: 600 })).toEqual(hits);
      expect(performance.now() - start).toBeLessThan(600);
      const before = sick.asked;
      for (let times = 0; times < 4; times += 1) await cluster.search('i', {}, { by: 'a', timeout: 600 });
      expect(sick.asked).toBe(before);
    },
  );

  it('is asked again while no node has the copies that a lost one had', async () => {
    const [one, other] = [await node(), await node()];
    const cluster = await over(one.url, other.url);
    await cluster.search('i', {}, { by: 'a' });
    one.state = other.state = 'not ready';
    setTimeout(() => (one.state = 'well'), 300);
    const start = performance.now();
    expect(await cluster.search('i', {}, { by: 'a', timeout: 1_000 })).toEqual(hits);
    expect(performance.now() - start).toBeGreaterThan(290);
    one.state = 'not ready';
    await expect(cluster.search('i', {}, { by: 'a', timeout: 400 })).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
    });
    expect(performance.now() - start).toBeLessThan(1_500);
  });

  it('tells of none that answers', async () => {
    const cluster = await over(gone, 'http://127.0.0.1:2');
    await expect(cluster.search('i', {}, { by: 'a' })).rejects.toMatchObject({
      code: 'SEARCH_ENGINE_UNREACHABLE',
    });
  });
});
