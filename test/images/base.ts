import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.ts';
import { type Machine, need } from './machine.ts';

const suite = 'bookworm';
const options = [
  '--quiet',
  '--variant=minbase',
  '--include=ca-certificates',
  // As in the slim images: nobody reads manuals in a container. Licences stay.
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
];
const imported = ['--change', 'CMD ["bash"]'];

/** The base image's reference; the same recipe always has the same one, whatever Debian has updated since. */
export function baseTag(): string {
  const recipe = JSON.stringify([suite, options, imported]);
  return `portiere-test/base:${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`;
}

/** Makes a minimal Debian 12 from Debian's packages, without an image registry, and imports it into the engine. */
export async function buildBase(machine: Machine): Promise<void> {
  await need(machine, 'mmdebstrap', 'mmdebstrap');
  const { env } = machine;
  const folder = await mkdtemp(join(tmpdir(), 'portiere-base-'));
  const tree = join(folder, 'root.tar');
  try {
    await run('mmdebstrap', [...options, suite, tree, ...mirror()], { env, seconds: 600 });
    await run('docker', ['import', ...imported, tree, baseTag()], { env, seconds: 300 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The machine's own Debian mirror, where it is a Debian of the same release; else Debian's default. */
function mirror(): string[] {
  const sources = '/etc/apt/sources.list.d/debian.sources';
  const same =
    existsSync(sources) && new RegExp(`^Suites:.*\\b${suite}\\b`, 'm').test(readFileSync(sources, 'utf8'));
  return same ? [sources] : [];
}
