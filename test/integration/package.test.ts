import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { environment, freePort, kill, processesOf, root } from '../support/cli.ts';

const run = promisify(execFile);
const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

let folder: string;
let env: Record<string, string>;
let contents: string[];
let failure = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portiere-package-'));
  // The Node that runs the tests, before whichever else there is.
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  env = { ...environment({ PATH: path }), API_PORT: String(await freePort()) };
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...quiet],
    { cwd: root, env },
  );
  const [packed] = Object.values<{ filename: string; files: { path: string }[] }>(JSON.parse(stdout));
  contents = packed?.files.map((file) => file.path) ?? [];
  const install = [
    'install',
    join(folder, packed?.filename ?? ''),
    '--ignore-scripts',
    '--omit=optional',
    '--omit=peer',
    '--prefer-offline',
    ...quiet,
  ];
  await run('npm', install, { cwd: folder, env: npmSettings(env), timeout: 120_000 }).catch(
    (error: unknown) => {
      failure = (error as { stderr?: string }).stderr ?? String(error);
    },
  );
});
afterAll(async () => {
  for (const pid of await processesOf(folder)) kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

describe('the package', () => {
  it('holds what it needs and nothing else', () => {
    expect(contents).toContain('dist/main.js');
    expect(contents).toContain('templates/vocabulary/CONCEPT.csv');
    expect(
      contents.filter(
        (path) =>
          !/^(?:bin\/portiere\.js|dist\/|templates\/|package\.json|README|LICENSE|CHANGELOG|\.env\.example)/.test(
            path,
          ),
      ),
    ).toEqual([]);
  });

  it('works where it was installed without scripts and optional packages', async ({ skip }) => {
    if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|EAI_AGAIN/.test(failure))
      skip(`no registry to install from: ${failure.slice(0, 200)}`);
    expect(failure).toBe('');
    expect(await readdir(join(folder, 'node_modules'))).not.toContain('@huggingface');
    const portiere = async (...args: string[]): Promise<string> =>
      (await run('npx', ['--no-install', 'portiere', ...args], { cwd: folder, env, timeout: 60_000 })).stdout;
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await portiere('--version')).toBe(`${version}\n`);
    expect(await portiere('--help')).toContain('portiere up');
    expect(await portiere('init', '--yes')).toContain('portiere.config.yaml');
    expect(await portiere('up')).toContain('309 concepts');
    expect(await portiere('search', 'heart attack')).toContain('Myocardial infarction');
    expect(await portiere('down')).toContain('Stopped.');
    expect(await processesOf(folder)).toEqual([]);
  });
});

/** The caller's registry, proxy and cache settings: without them npm may not get at the packages. */
function npmSettings(own: Record<string, string>): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^npm_config_|_proxy$|^NODE_EXTRA_CA_CERTS$/i.test(name),
  );
  return { ...own, ...(Object.fromEntries(kept) as Record<string, string>) };
}
