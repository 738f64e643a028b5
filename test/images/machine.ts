import { userInfo } from 'node:os';
import { PortiereError } from '../../src/errors.ts';
import { installed, run } from './command.ts';

/** What a build knows of the machine it runs on. */
export interface Machine {
  /** The checkout's root. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** One line on what is waited for. */
  readonly say: (text: string) => void;
}

/** Makes sure that a program is there, from a Debian package where we may install one; else PACKAGE_MISSING. */
export async function need(machine: Machine, program: string, debianPackage: string): Promise<void> {
  const { env, say } = machine;
  if (await installed(program, env)) return;
  const missing = `${program} is needed to build the test images and is not installed`;
  const hint = `apt-get install ${debianPackage}`;
  if (userInfo().uid !== 0 || !(await installed('apt-get', env))) {
    throw new PortiereError('PACKAGE_MISSING', `${missing}.`, { hint });
  }
  say(`installing ${debianPackage} (Debian package, once) ...`);
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, seconds: 600 };
  try {
    await run('apt-get', ['update', '-qq'], quiet);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], quiet);
  } catch (cause) {
    throw new PortiereError('PACKAGE_MISSING', `${missing}, and installing it failed.`, { hint, cause });
  }
}
