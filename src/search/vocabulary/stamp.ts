import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Sizes and times of a download's files, to see at a glance that it is not the one that was read before; null where it
 * cannot be looked at. Another stamp may still be the same vocabulary: only its digest tells.
 */
export async function stampOf(download: string): Promise<string | null> {
  try {
    const found = await stat(download);
    if (found.isFile()) return stampOfFile(found);
    const names = (await readdir(download)).filter((name) => /\.csv$/i.test(name));
    const stamps = await Promise.all(
      names
        .toSorted((one, other) => (one < other ? -1 : 1))
        .map(async (name) => stampOfFile(await stat(path.join(download, name)))),
    );
    return stamps.join(' ');
  } catch {
    return null;
  }
}

function stampOfFile({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): string {
  return `${size}@${Math.floor(mtimeMs)}`;
}
