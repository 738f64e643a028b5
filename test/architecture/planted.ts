/** A file put into a copy of src/, and the line it must be reported with; without one it must pass. */
export interface Planted {
  readonly path: string;
  readonly text: string;
  readonly complaint?: string;
}

const nothing = 'export const nothing = 0;\n';

export const planted: readonly Planted[] = [
  {
    path: 'src/drivers/planted.ts',
    text: `import type { Files } from '../ports.ts';\nexport const pid = process.pid;\n`,
  },
  { path: 'src/commands/planted.ts', text: nothing },
  { path: 'src/stack/planted.ts', text: nothing },
  { path: 'src/search/hybrid/planted.ts', text: nothing },
  { path: 'src/search/vectors/planted.ts', text: `import type { FaissReply } from './faiss-child.ts';\n` },
  { path: 'src/config/planted-path.ts', text: `import { join } from 'node:path';\n` },
  {
    path: 'src/config/planted.ts',
    text: `import { pid } from '../drivers/planted.ts';\n`,
    complaint: 'floor of config: src/config/planted.ts -> src/drivers/planted.ts',
  },
  {
    path: 'src/config/planted-type.ts',
    text: `import type { Stack } from '../stack/planted.ts';\n`,
    complaint: 'floor of config: src/config/planted-type.ts -> src/stack/planted.ts',
  },
  {
    path: 'src/commands/planted-driver.ts',
    text: `export const load = () => import('../drivers/planted.ts');\n`,
    complaint: 'floor of commands: src/commands/planted-driver.ts -> src/drivers/planted.ts',
  },
  {
    path: 'src/cli.ts',
    text: `import './commands/planted.ts';\nexport const run = () => import('./commands/planted-driver.ts');\n`,
    complaint: 'the command line loads its commands lazily: src/cli.ts -> src/commands/planted.ts',
  },
  {
    path: 'src/search/vocabulary/planted-value.ts',
    text: `import { nothing } from '../../config/planted-path.ts';\n`,
    complaint:
      'floor of search, by type only: src/search/vocabulary/planted-value.ts -> src/config/planted-path.ts',
  },
  {
    path: 'src/search/embed/planted.ts',
    text: `import { nothing } from '../hybrid/planted.ts';\n`,
    complaint: 'order inside search, at embed: src/search/embed/planted.ts -> src/search/hybrid/planted.ts',
  },
  {
    path: 'src/search/lexical/planted.ts',
    text: `export type { FaissReply } from '../vectors/planted.ts';\n`,
    complaint:
      'order inside search, at lexical: src/search/lexical/planted.ts -> src/search/vectors/planted.ts',
  },
  {
    path: 'src/ui/planted-cycle-a.ts',
    text: `export { b } from './planted-cycle-b.ts';\n`,
    complaint: 'cycle: src/ui/planted-cycle-a.ts -> src/ui/planted-cycle-b.ts -> src/ui/planted-cycle-a.ts',
  },
  { path: 'src/ui/planted-cycle-b.ts', text: `export { a } from './planted-cycle-a.ts';\n` },
  {
    path: 'src/ui/planted-type-cycle-a.ts',
    text: `import type { B } from './planted-type-cycle-b.ts';\n`,
    complaint:
      'cycle: src/ui/planted-type-cycle-a.ts -> src/ui/planted-type-cycle-b.ts -> src/ui/planted-type-cycle-a.ts',
  },
  { path: 'src/ui/planted-type-cycle-b.ts', text: `import type { A } from './planted-type-cycle-a.ts';\n` },
  {
    path: 'src/drivers/planted-pg.ts',
    text: `import { Client } from 'pg';\n`,
    complaint: 'door of pg: src/drivers/planted-pg.ts -> pg',
  },
  {
    path: 'src/search/vectors/planted-faiss.ts',
    text: `export const load = () => import('faiss-node');\n`,
    complaint: 'door of faiss-node: src/search/vectors/planted-faiss.ts -> faiss-node',
  },
  {
    path: 'src/commands/planted-fastify.ts',
    text: `import type { Options } from '@fastify/swagger';\n`,
    complaint: 'door of @fastify/*: src/commands/planted-fastify.ts -> @fastify/swagger',
  },
  {
    path: 'src/drivers/planted-lodash.ts',
    text: `import { chunk } from 'lodash';\n`,
    complaint: 'a package without a door: src/drivers/planted-lodash.ts -> lodash',
  },
  { path: 'test/planted.ts', text: nothing },
  {
    path: 'src/drivers/planted-test.ts',
    text: `import { nothing } from '../../test/planted.ts';\n`,
    complaint: 'a package without a door: src/drivers/planted-test.ts -> test/planted.ts',
  },
  {
    path: 'src/drivers/planted-gone.ts',
    text: `import { gone } from './gone.ts';\n`,
    complaint: 'an import that leads nowhere: src/drivers/planted-gone.ts -> ./gone.ts',
  },
  {
    path: 'src/config/planted-fs.ts',
    text: `import { readFileSync } from 'node:fs';\n`,
    complaint: 'config is pure: src/config/planted-fs.ts -> fs',
  },
  {
    path: 'src/stack/planted-sqlite.ts',
    text: `import { DatabaseSync } from 'node:sqlite';\n`,
    complaint: 'stack is pure: src/stack/planted-sqlite.ts -> node:sqlite',
  },
  {
    path: 'src/plan/planted-process.ts',
    text: `// The word process in a comment is fine.\nexport const home = globalThis.process.env['HOME'];\n`,
    complaint: 'the global process: src/plan/planted-process.ts',
  },
  {
    path: 'src/commands/planted-process.ts',
    text: `export const folder = process.cwd();\n`,
    complaint: 'the global process: src/commands/planted-process.ts',
  },
  {
    path: 'src/commands/planted-own-process.ts',
    text: `export const stop = (process: { kill(): void }) => process.kill();\nexport const at = { process: 1 };\n`,
  },
  {
    path: 'src/plan/planted-fetch.ts',
    text: `export const answer = await fetch('http://localhost');\n`,
    complaint: 'the global fetch: src/plan/planted-fetch.ts',
  },
  {
    path: 'src/search/vectors/planted-entry.ts',
    text: `import './native-worker.ts';\n`,
    complaint:
      'an entry file is started, not imported: src/search/vectors/planted-entry.ts -> src/search/vectors/native-worker.ts',
  },
  {
    path: 'src/ui/planted-long.ts',
    text: nothing.repeat(301),
    complaint: 'a file above 300 lines: src/ui/planted-long.ts has 301',
  },
  { path: 'src/ui/planted-short.ts', text: nothing.repeat(300) },
  { path: 'src/planted/utils.ts', text: nothing, complaint: 'a file without a room: src/planted/utils.ts' },
  {
    path: 'src/search/planted.ts',
    text: nothing,
    complaint: 'a file without a room: src/search/planted.ts',
  },
];
