/** A room of src/: where it is, and which rooms beside itself it may import (`types` by type only). */
export interface Room {
  readonly path: string;
  readonly may: readonly string[];
  readonly types?: readonly string[];
  /** Maps data to data: imports no built-in that acts and touches no global that acts. */
  readonly pure?: true;
  /** May read or change the running process through the global `process`. */
  readonly process?: true;
}

/** The rooms of the house, lowest first. Ports are types only, so every import of them is one by type. */
export const rooms: Readonly<Record<string, Room>> = {
  errors: { path: 'src/errors.ts', may: [], pure: true },
  ports: { path: 'src/ports.ts', may: [], types: ['port contracts'], pure: true },
  'port contracts': { path: 'src/ports/', may: [], pure: true },
  config: { path: 'src/config/', may: ['errors'], pure: true },
  stack: { path: 'src/stack/', may: ['config', 'errors'], pure: true },
  render: { path: 'src/render/', may: ['config', 'stack', 'errors'], pure: true },
  plan: {
    path: 'src/plan/',
    may: ['stack', 'errors'],
    types: ['render', 'config', 'port contracts'],
    pure: true,
  },
  drivers: { path: 'src/drivers/', may: ['errors'], types: ['ports', 'port contracts'], process: true },
  ui: { path: 'src/ui/', may: ['errors'], types: ['ports'], process: true },
  search: { path: 'src/search/', may: ['errors'], types: ['ports', 'port contracts', 'config'] },
  commands: {
    path: 'src/commands/',
    may: ['config', 'stack', 'render', 'plan', 'search', 'errors'],
    types: ['ports', 'port contracts'],
  },
  'cli pages': { path: 'src/cli/', may: ['commands', 'errors'], types: ['ports'] },
  cli: { path: 'src/cli.ts', may: ['cli pages', 'commands', 'errors'], types: ['ports'] },
  main: { path: 'src/main.ts', may: ['cli', 'drivers', 'ui', 'errors'], types: ['ports'], process: true },
};

/** The order inside search, lowest first; what shares a floor stays apart. */
export const searchFloors: readonly (readonly string[])[] = [
  ['system'],
  ['vocabulary'],
  ['embed'],
  ['features', 'lexical', 'vectors'],
  ['stores'],
  ['index'],
  ['hybrid'],
  ['api', 'eval', 'populate'],
];

/** Files that start as a process or a thread of their own: others know their messages, and never import their code. */
export const entries: readonly string[] = [
  'src/main.ts',
  'src/drivers/pglite-worker.ts',
  'src/search/vectors/faiss-child.ts',
  'src/search/embed/embed-worker.ts',
  'src/search/lexical/sql-worker.ts',
  'src/search/vectors/build-worker.ts',
  'src/search/vectors/exact-worker.ts',
  'src/search/vectors/ivf-worker.ts',
  'src/search/vectors/native-worker.ts',
  'src/search/vectors/build-worker.ts',
  'src/search/vectors/exact-worker.ts',
  'src/search/vectors/graph-child.ts',
  'src/search/vectors/ivf-worker.ts',
];

/** One package, one door: the only places that may import each package; a package without a row has no door at all. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  '@clack/prompts': ['src/ui/prompt.ts'],
  '@elastic/elasticsearch': ['src/drivers/elasticsearch.ts'],
  '@electric-sql/pglite': ['src/drivers/pglite-worker.ts'],
  '@fastify/*': ['src/search/api/server.ts'],
  '@zilliz/milvus2-sdk-node': ['src/drivers/milvus.ts'],
  '@huggingface/transformers': ['src/search/embed/transformers.ts'],
  commander: ['src/cli.ts'],
  cosmiconfig: ['src/drivers/settings.ts'],
  dockerode: ['src/drivers/docker.ts'],
  execa: ['src/drivers/shell.ts'],
  'faiss-node': [
    'src/search/vectors/faiss-child.ts',
    'src/search/vectors/graph-child.ts',
    'src/search/vectors/faiss-node-package.ts',
  ],
  fastify: ['src/search/api/server.ts'],
  h5wasm: ['src/search/features/hdf5.ts'],
  ink: ['src/ui/'],
  ioredis: ['src/drivers/redis.ts'],
  listr2: ['src/ui/tasks.ts'],
  pg: ['src/drivers/postgres.ts'],
  'pg-copy-streams': ['src/drivers/postgres.ts'],
  'prom-client': ['src/search/api/metrics.ts'],
  react: ['src/ui/'],
  yaml: ['src/drivers/settings.ts'],
  yauzl: ['src/search/vocabulary/zip.ts', 'src/search/vocabulary/zip-entries.ts'],
  zod: ['src/config/', 'src/search/api/schemas.ts'],
};

/** Built-ins that only compute; the rest read or change the outside world. */
export const computing: readonly string[] = ['buffer', 'crypto', 'path', 'string_decoder', 'url', 'util'];

export const longestFile = 300;
