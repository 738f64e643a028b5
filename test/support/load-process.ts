// Loads a concept file into Elasticsearch, to be killed on the way.
// usage: node test/support/load-process.ts JSON (url, login, build, checkpoint: a file)
import { readFile, rename, writeFile } from 'node:fs/promises';

import { searchEngines } from '../../src/drivers/elasticsearch.ts';
import type { LoadCheckpoint, LoadPoint } from '../../src/search/populate/elasticsearch-checkpoint.ts';
import type { EngineBuild } from '../../src/search/populate/elasticsearch-cargo.ts';
import { ensureElasticsearch } from '../../src/search/populate/elasticsearch.ts';

interface Task {
  readonly url: string;
  readonly login: { readonly username?: string; readonly password?: string };
  readonly build: EngineBuild;
  readonly checkpoint: string;
}

const { url, login, build, checkpoint } = JSON.parse(process.argv[2] ?? '{}') as Task;
const file: LoadCheckpoint = {
  load: async () =>
    await readFile(checkpoint, 'utf8').then(
      (text) => JSON.parse(text) as LoadPoint,
      () => undefined,
    ),
  async save(point) {
    await writeFile(`${checkpoint}.new`, JSON.stringify(point));
    await rename(`${checkpoint}.new`, checkpoint);
  },
};
const engine = await searchEngines.connect({ url, timeout: 10_000, ...login });
const progress = {
  update: (done: number) => process.stdout.write(`${done}\n`),
  say: () => undefined,
};
await ensureElasticsearch(engine, build, { progress, checkpoint: file });
await engine.close();
