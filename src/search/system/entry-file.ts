import { fileURLToPath } from 'node:url';

/** Room of each process or worker entry file, when run from source. */
const rooms = {
  'build-worker': 'vectors',
  'embed-worker': 'embed',
  'exact-worker': 'vectors',
  'faiss-child': 'vectors',
  'graph-child': 'vectors',
  'ivf-worker': 'vectors',
  'native-worker': 'vectors',
  'sql-worker': 'lexical',
} as const;

/** Name of an entry file. */
export type EntryName = keyof typeof rooms;

/** Path of an entry file: in its room when run from source, beside the chunk that holds this code when bundled. */
export function entryFile(name: EntryName): string {
  const source = import.meta.url.endsWith('.ts');
  const file = source ? `../${rooms[name]}/${name}.ts` : `./${name}.js`;
  return fileURLToPath(new URL(file, import.meta.url));
}
