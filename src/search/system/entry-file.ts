import { fileURLToPath } from 'node:url';

/** Room of each process or worker entry file, when run from source. */
const rooms = {
  'embed-worker': 'embed',
  'faiss-child': 'vectors',
  'native-worker': 'vectors',
  'sql-worker': 'lexical',
} as const;

/** Path of an entry file: in its room when run from source, beside the chunk that holds this code when bundled. */
export function entryFile(name: keyof typeof rooms): string {
  const source = import.meta.url.endsWith('.ts');
  const file = source ? `../${rooms[name]}/${name}.ts` : `./${name}.js`;
  return fileURLToPath(new URL(file, import.meta.url));
}
