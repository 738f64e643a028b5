import { lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';

import { fromSystemError, PortiereError } from '../../errors.ts';
import { sync } from '../system/disk.ts';
import { fileNames } from './manifest.ts';

/** Folder that holds the builds of an index, beside its pointer. */
export function buildsFolder(pointer: string): string {
  return path.join(path.dirname(pointer), 'builds');
}

/** Folder that holds what was embedded, by model, for the builds to come. */
export function embeddingsFolder(pointer: string): string {
  return path.join(path.dirname(pointer), 'embeddings');
}

/** The published build's id, or undefined where none is. The pointer is a link to that build's dense file. */
export async function publishedBuild(pointer: string): Promise<string | undefined> {
  let target: string;
  try {
    target = await readlink(pointer);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EINVAL') {
      throw new PortiereError(
        'INDEX_INVALID',
        `${pointer} is a file, not the link that portiere publishes.`,
        {
          hint: 'Move it away, or set FAISS_INDEX_PATH to another path, then run: portiere index build',
        },
      );
    }
    throw fromSystemError(error, pointer);
  }
  return path.basename(path.dirname(target));
}

/** Points to a build: one rename, so readers see the old one or the new one. On disk when it returns. */
export async function publish(pointer: string, id: string): Promise<void> {
  const folder = path.dirname(pointer);
  const draft = path.join(folder, `.${path.basename(pointer)}.${randomUUID().slice(0, 8)}`);
  try {
    await symlink(path.join('builds', id, fileNames.dense), draft);
    await rename(draft, pointer);
    await sync(folder);
  } catch (error) {
    await rm(draft, { force: true });
    throw fromSystemError(error, pointer);
  }
}

/** Complete builds, oldest first. */
export async function listBuilds(pointer: string): Promise<string[]> {
  const folder = buildsFolder(pointer);
  const names = await readdir(folder).catch(() => []);
  const complete: string[] = [];
  for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
    const manifest = path.join(folder, name, fileNames.manifest);
    if (
      await lstat(manifest).then(
        () => true,
        () => false,
      )
    )
      complete.push(name);
  }
  return complete;
}

/**
 * Removes what killed builds left behind (folders without a manifest, half-made links) and all but the newest
 * `keep` builds; never the published one, nor those named in `also`. Call it only under the lease that builds run
 * under.
 */
export async function sweep(
  pointer: string,
  { keep, also = [] }: { readonly keep: number; readonly also?: readonly (string | undefined)[] },
): Promise<readonly string[]> {
  const folder = buildsFolder(pointer);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fromSystemError(error, folder);
  });
  const complete = await listBuilds(pointer);
  const published = await publishedBuild(pointer);
  const kept = new Set([...complete.slice(-keep), published, ...also]);
  const removed = (await readdir(folder)).filter((name) => !kept.has(name));
  for (const name of removed) await rm(path.join(folder, name), { recursive: true, force: true });
  for (const id of kept) if (id !== undefined) await removeCopies(path.join(folder, id));
  for (const name of await readdir(path.dirname(pointer))) {
    if (name.startsWith(`.${path.basename(pointer)}.`) || name.startsWith('swap.json.'))
      await rm(path.join(path.dirname(pointer), name), { force: true });
  }
  return removed;
}

/** Milliseconds after which nobody loads a copy of a file any more. */
const copyAge = 600_000;

/** A server that was killed while it loaded a copy of an index left it behind. */
async function removeCopies(build: string): Promise<void> {
  for (const name of await readdir(build).catch(() => [])) {
    if (!/^dense\.faiss\.[0-9a-f-]{36}$/.test(name)) continue;
    const copy = path.join(build, name);
    const { mtimeMs } = await stat(copy).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > copyAge) await rm(copy, { force: true });
  }
}
