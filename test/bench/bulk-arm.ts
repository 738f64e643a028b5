// One load of documents by one client in this process; prints its CPU time and wall time.
// usage: node test/bench/bulk-arm.ts ours|helpers URL FILE (concepts as JSON lines) COUNT
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { Client } from '@elastic/elasticsearch';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import { documentOf, type IndexedConcept } from '../../src/search/lexical/elasticsearch-index.ts';
import { cutBatches } from '../../src/search/populate/elasticsearch-batches.ts';
import { conceptDocuments } from '../../src/search/populate/elasticsearch-cargo.ts';
import { patience } from '../../src/search/populate/elasticsearch-delivery.ts';
import { newPace } from '../../src/search/populate/elasticsearch-pace.ts';
import { sendAll } from '../../src/search/populate/elasticsearch-send.ts';

const [arm = '', url = '', file = '', count = '0'] = process.argv.slice(2);
const index = 'bench';
const concepts: IndexedConcept[] = [];
for await (const line of createInterface(createReadStream(file))) {
  concepts.push(JSON.parse(line) as IndexedConcept);
  if (concepts.length === Number(count)) break;
}

const work = arm === 'ours' ? await ours() : helpers();
globalThis.gc?.();
const cpu = process.cpuUsage();
const start = performance.now();
await work.run();
const wall = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
await work.close();
console.log(JSON.stringify({ cpu: user + system, wall, rss: process.resourceUsage().maxRSS / 1024 }));

async function ours(): Promise<{ run(): Promise<void>; close(): Promise<void> }> {
  const engine = await searchEngines.connect({ url, timeout: 10_000 });
  const pace = newPace(() => performance.now());
  return {
    async run() {
      await sendAll({
        engine,
        index,
        pace,
        patience,
        requireSame: async () => {},
        refuse(refused) {
          throw new Error(JSON.stringify(refused.slice(0, 3)));
        },
        batches: cutBatches(conceptDocuments(concepts), () => pace.limits()),
        onSent: () => undefined,
      });
    },
    async close() {
      await engine.close();
    },
  };
}

function helpers(): { run(): Promise<void>; close(): Promise<void> } {
  const client = new Client({ node: url });
  const documents = concepts.map((concept) => JSON.parse(documentOf(concept)) as { concept_id: string });
  return {
    async run() {
      const { failed } = await client.helpers.bulk({
        datasource: documents,
        onDocument: (document) => ({ index: { _index: index, _id: document.concept_id } }),
      });
      if (failed > 0) throw new Error(`${failed} documents failed`);
    },
    async close() {
      await client.close();
    },
  };
}
