// A server that takes bulk requests as Elasticsearch does and counts what arrives, each id by how often.
// usage: node test/bench/bulk-sink.ts; prints its port. GET /counted tells and forgets.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const seen = new Map<string, number>();
let bytes = 0;

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const url = incoming.url ?? '/';
    const text = url.includes('/_bulk') ? taken(Buffer.concat(chunks), url) : other(url);
    const accept = incoming.headers.accept ?? 'application/json';
    outgoing.writeHead(200, {
      'content-type': accept.includes('vnd.elasticsearch+json') ? accept : 'application/json',
      'x-elastic-product': 'Elasticsearch',
      'content-length': Buffer.byteLength(text),
    });
    outgoing.end(text);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port);
});

function taken(body: Buffer, url: string): string {
  bytes += body.length;
  const lines = body.toString().split('\n');
  const ids: string[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const { index } = JSON.parse(lines[at] ?? '') as { index: { _id: string } };
    JSON.parse(lines[at + 1] ?? '');
    seen.set(index._id, (seen.get(index._id) ?? 0) + 1);
    ids.push(index._id);
  }
  // Who asks for less gets less, as from the real one.
  const items = url.includes('filter_path')
    ? ids.map(() => '{"index":{"status":201}}')
    : ids.map(
        (id) =>
          `{"index":{"_index":"bench","_id":"${id}","_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":${seen.size},"_primary_term":1,"status":201}}`,
      );
  return `{"errors":false,"took":1,"items":[${items.join(',')}]}`;
}

function other(url: string): string {
  if (url !== '/counted') return '{"version":{"number":"9.4.3"},"tagline":"You Know, for Search"}';
  const twice = [...seen.values()].filter((times) => times > 1).length;
  const counted = JSON.stringify({ documents: seen.size, twice, bytes });
  seen.clear();
  bytes = 0;
  return counted;
}
