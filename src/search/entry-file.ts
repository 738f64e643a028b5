import { fileURLToPath } from 'node:url';

/**
 * Path of a process or worker entry file by its bare name: `<name>.ts` beside this file when run from source,
 * `<name>.js` beside the chunk that holds this code when bundled.
 */
export function entryFile(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url));
}
