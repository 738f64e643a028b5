import { writeFile } from 'node:fs/promises';

import { defineConfig } from 'tsup';

import { configJsonSchema } from './src/config/json-schema.ts';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'embed-worker': 'src/search/embed/embed-worker.ts',
    'faiss-child': 'src/search/vectors/faiss-child.ts',
    'graph-child': 'src/search/vectors/graph-child.ts',
    'native-worker': 'src/search/vectors/native-worker.ts',
    'sql-worker': 'src/search/lexical/sql-worker.ts',
    'build-worker': 'src/search/vectors/build-worker.ts',
    'ivf-worker': 'src/search/vectors/ivf-worker.ts',
    'exact-worker': 'src/search/vectors/exact-worker.ts',
    'pglite-worker': 'src/drivers/pglite-worker.ts',
  },
  format: 'esm',
  target: 'node22',
  platform: 'node',
  splitting: true,
  clean: true,
  dts: false,
  sourcemap: false,
  // node:sqlite exists only under its full name.
  removeNodeProtocol: false,
  // Optional peers stay outside: they are looked up when they are first needed.
  external: ['@huggingface/transformers', 'faiss-node', 'h5wasm', '@zilliz/milvus2-sdk-node'],
  async onSuccess() {
    await writeFile('dist/portiere.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  },
});
