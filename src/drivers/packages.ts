import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Packages } from '../ports.ts';
import { runProgram } from './shell.ts';

const patience = 120_000;

/** Packs the package in a folder as npm would publish it. */
export function packagesIn(root: string, env: Readonly<Record<string, string | undefined>>): Packages {
  return {
    async pack(file) {
      const folder = await mkdtemp(path.join(path.dirname(file), 'pack-'));
      try {
        const args = ['pack', root, '--ignore-scripts', '--silent', '--pack-destination', folder];
        const { exitCode, stderr } = await runProgram('npm', args, { env: plain(env), timeout: patience });
        const [packed] = await readdir(folder);
        if (exitCode !== 0 || packed === undefined) {
          throw new PortiereError('BUILD_FAILED', `npm pack failed: ${stderr.trim() || `exit ${exitCode}`}`, {
            hint: 'The api image is built from this installation; npm must be on PATH.',
          });
        }
        await rename(path.join(folder, packed), file);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** What an npm script around us set is not for the npm inside. */
function plain(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
}
