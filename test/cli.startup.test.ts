import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const hook = new URL('./support/loaded-files.ts', import.meta.url);
const built = existsSync(join(project, 'dist/main.js'));
const program = join(project, 'bin/portiere.js');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portiere-startup-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what a start loads', () => {
  it('is nothing at all for --version', async () => {
    const { stdout, ours, packages } = await start([program, '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
    expect(packages).toEqual([]);
    expect(ours).toEqual([]);
  });

  it.skipIf(!built)(
    `is commander and no other package for --help${built ? '' : ' (SKIPPED: no dist/main.js, run: npx tsup)'}`,
    async () => {
      const { stdout, ours, packages } = await start([program, '--help']);
      expect(stdout).toContain('portiere');
      expect(ours).toContain('main.js');
      expect(packages).toEqual(['commander']);
    },
  );

  it('is seen whether a package is imported or required', async () => {
    const imported = await start(['--input-type=module', '--eval', `await import('zod')`]);
    expect(imported.packages).toEqual(['zod']);
    const required = await start(['--input-type=commonjs', '--eval', `require('yauzl'); process.exit(0)`]);
    expect(required.packages).toContain('yauzl');
  });
});

/** Runs node; gives what it printed, the files loaded from dist/ and the packages loaded from node_modules/. */
async function start(
  args: readonly string[],
): Promise<{ stdout: string; ours: string[]; packages: string[] }> {
  const list = join(folder, 'loaded');
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', hook.href, ...args], {
    cwd: project,
    env: { PATH: process.env['PATH'], LOADED_FILES: list, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  const urls = (await readFile(list, 'utf8')).split('\n');
  const own = urls.filter((url) => /\/dist\/[^/]+\.js$/.test(url) && !url.includes('/node_modules/'));
  const texts = await Promise.all(own.map(async (url) => await readFile(new URL(url), 'utf8')));
  // What is bundled says where it comes from.
  const bundled = texts.flatMap((text) => text.match(/^\/\/ node_modules\/.*/gm) ?? []);
  return {
    stdout,
    ours: urls
      .flatMap((url) => /\/dist\/([^/]+)$/.exec(url.replace(/.*\/node_modules\/.*/, ''))?.[1] ?? [])
      .sort(),
    packages: [
      ...new Set(
        [...urls, ...bundled].flatMap(
          (url) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [],
        ),
      ),
    ].sort(),
  };
}
