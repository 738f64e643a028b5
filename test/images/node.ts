import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PortiereError } from '../../src/errors.ts';
import { run } from './command.ts';
import type { Machine } from './machine.ts';
import type { Part } from './recipes.ts';

const npm = '11.19.1';
const cache = '/var/tmp/portiere-npm';

/** The Node that the checkout brings along, by its bytes, and the npm that goes with it. */
export async function nodeIdentity(machine: Machine): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(await nodeBinary(machine)), hash);
  return `node ${hash.digest('hex')}, npm ${npm}`;
}

/** The Node binary as `node` and the npm package as `npm.tgz`. */
export async function nodeParts(machine: Machine): Promise<readonly Part[]> {
  return [
    { from: await nodeBinary(machine), to: 'node' },
    { from: await npmArchive(machine), to: 'npm.tgz' },
  ];
}

async function nodeBinary({ root }: Machine): Promise<string> {
  try {
    return await realpath(join(root, 'node_modules/node/bin/node'));
  } catch (cause) {
    throw new PortiereError('PACKAGE_MISSING', 'The checkout has no Node of its own in node_modules/node.', {
      hint: 'npm install',
      cause,
    });
  }
}

async function npmArchive({ env, say }: Machine): Promise<string> {
  const archive = join(cache, `npm-${npm}.tgz`);
  if (existsSync(archive)) return archive;
  say(`fetching npm ${npm} (once) ...`);
  await mkdir(cache, { recursive: true });
  try {
    await run('npm', ['pack', '--silent', `npm@${npm}`], { env, cwd: cache, seconds: 300 });
  } catch (cause) {
    throw new PortiereError('DOWNLOAD_FAILED', `Fetching npm ${npm} from the npm registry failed.`, {
      hint: `cd ${cache} && npm pack npm@${npm}`,
      cause,
    });
  }
  return archive;
}
