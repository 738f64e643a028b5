import { readdir, readFile, rm, writeFile } from 'node:fs/promises';

import { defineConfig, type Options } from 'tsup';

import { configJsonSchema } from './src/config/json-schema.ts';

/**
 * Packages that nearly every command loads, most of hundreds of small files: looking for each file takes longer than
 * reading them as one. They come with their licences.
 */
const bundled =
  /^(@elastic|@opentelemetry|commander|cosmiconfig|env-paths|hpagent|secure-json-parse|undici|yaml|zod)(\/|$)/;

type PluginBuild = Parameters<NonNullable<Options['esbuildPlugins']>[number]['setup']>[0];

/**
 * Of undici, Elasticsearch's client takes two parts; its index would bring fetch, web sockets and caches along, which
 * takes a command 20 ms.
 */
const undiciParts = {
  name: 'undici-parts',
  setup(build: PluginBuild) {
    build.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'parts',
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /^undici$/, namespace: 'parts' }, ({ pluginData }) => ({
      contents: `Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api'));
        exports.Pool = require('undici/lib/dispatcher/pool.js');
        exports.buildConnector = require('undici/lib/core/connect.js');`,
      resolveDir: String(pluginData),
    }));
  },
};

/**
 * Commander imports two of Node's modules that take 10 ms: one for its default export, which reads every property of
 * `process`, and one for commands that are programs of their own, which there are none of here.
 */
const lightCommander = {
  name: 'light-commander',
  setup(build: PluginBuild) {
    const filter = /^node:(process|child_process)$/;
    build.onResolve({ filter }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'light' } : undefined,
    );
    build.onLoad({ filter, namespace: 'light' }, ({ path }) => ({
      contents:
        path === 'node:process'
          ? 'export default globalThis.process;'
          : `export default { spawn: (...args) => process.getBuiltinModule('node:child_process').spawn(...args) };`,
    }));
  },
};

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'give-way': 'src/commands/give-way.ts',
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
  noExternal: [bundled],
  // What was written for CommonJS asks for Node's modules by `require`.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  esbuildPlugins: [undiciParts, lightCommander],
  metafile: true,
  external: ['@huggingface/transformers', 'faiss-node', 'h5wasm', '@zilliz/milvus2-sdk-node'],
  async onSuccess() {
    await writeFile('dist/portiere.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    await writeFile('dist/LICENSES.txt', await licencesOf('dist/metafile-esm.json'));
    await rm('dist/metafile-esm.json');
  },
});

/** The licences of all packages that the build took files of. */
async function licencesOf(metafile: string): Promise<string> {
  const { inputs } = JSON.parse(await readFile(metafile, 'utf8')) as { inputs: Record<string, unknown> };
  const folders = Object.keys(inputs).flatMap(
    (file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? [],
  );
  const licences = [...new Set(folders)].toSorted().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8')) as Record<
      'name' | 'version' | 'license',
      string
    >;
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file));
    if (files.length === 0) throw new Error(`${folder} says nothing of its licence`);
    const texts = files.map(async (file) => await readFile(`${folder}/${file}`, 'utf8'));
    return [`${name} ${version} (${license})\n`, ...(await Promise.all(texts))].join('\n');
  });
  return (await Promise.all(licences)).join(`\n${'-'.repeat(80)}\n\n`);
}
