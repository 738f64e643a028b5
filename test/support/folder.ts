import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Everything under a folder with what would show a change: path -> mode and sha256 (or a link's target). */
export async function snapshot(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const stat = await lstat(path);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) found[name] = `-> ${await readlink(path)}`;
    else if (stat.isFile())
      found[name] = `${mode} ${createHash('sha256')
        .update(await readFile(path))
        .digest('hex')}`;
    else found[name] = mode;
  }
  return found;
}

/** What a killed command could have left: unfinished builds, leases, drafts, private sockets. Paths, sorted. */
export async function litter(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const builds = names.filter((name) => /builds\/[^/]+$/.test(name));
  const unfinished = builds.filter((name) => !names.includes(`${name}/manifest.json`));
  const held = (name: string): boolean => name.endsWith('.lease');
  const drafts = names.filter((name) =>
    /\.lease\.|\.tmp$|private-|\.creating$|dense\.faiss\.[0-9a-f]{8}/.test(name),
  );
  return [...unfinished, ...names.filter(held), ...drafts].sort();
}
