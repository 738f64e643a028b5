import { stat } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import { fileNames, fingerprint, type Manifest } from './manifest.ts';

/** Bytes whose checksums are soon computed: more of them would be felt by the searches beside it. */
const quick = 64 * 2 ** 20;
/** What a build is nothing without. */
const parts = [fileNames.ids, fileNames.lexical, fileNames.dense];

/**
 * Bytes of a build's files, which are what its manifest says: their sizes, and their checksums; INDEX_INVALID names
 * those that are not. With `quickly`, checksums of 64 MiB at most, the smaller files first.
 */
export async function checkFiles(
  folder: string,
  { id, files }: Manifest,
  { quickly = false }: { readonly quickly?: boolean } = {},
): Promise<number> {
  const problems = parts
    .filter((name) => !(name in files))
    .map((name) => ({ path: path.join(folder, fileNames.manifest), reason: `it says nothing of ${name}` }));
  let total = 0;
  for (const [name, due] of Object.entries(files).toSorted(([, a], [, b]) => a.bytes - b.bytes)) {
    const file = path.join(folder, name);
    total += due.bytes;
    const reason = await problemOf(file, due, { contents: !quickly || total <= quick });
    if (reason !== undefined) problems.push({ path: file, reason });
  }
  if (problems.length === 0) return total;
  throw new PortiereError('INDEX_INVALID', `The build ${id} is damaged.`, {
    hint: 'See the others with: portiere index list; publish one of them with: portiere index rollback BUILD; or build again: portiere index build',
    problems,
  });
}

async function problemOf(
  file: string,
  { bytes, sha256 }: Manifest['files'][string],
  { contents }: { readonly contents: boolean },
): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size !== bytes) return `${size} bytes, not ${bytes}`;
    return contents && (await fingerprint(file)).sha256 !== sha256 ? 'its checksum is another' : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there' : (error as Error).message;
  }
}
