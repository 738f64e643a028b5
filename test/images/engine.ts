import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortiereError } from '../../src/errors.ts';
import { run } from './command.ts';
import type { Machine } from './machine.ts';
import type { Recipe } from './recipes.ts';

const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** Throws SERVER_UNREACHABLE unless a Docker engine answers. */
export async function checkEngine({ env }: Machine): Promise<void> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { env, seconds: 20 });
  } catch (cause) {
    throw new PortiereError('SERVER_UNREACHABLE', 'No Docker engine answers `docker info`.', {
      hint: 'Install and start one (Debian: apt-get install docker.io; then dockerd), and run this again.',
      cause,
    });
  }
}

/** The references of all test images in the engine. */
export async function presentTags({ env }: Machine): Promise<ReadonlySet<string>> {
  const format = ['--format', '{{.Repository}}:{{.Tag}}'];
  const listed = await run('docker', ['image', 'ls', ...format, 'portiere-test/*'], { env });
  return new Set(listed.split('\n').filter(Boolean));
}

/** Builds one image from its folder and parts; `on` and `tag` are references. */
export async function buildImage(
  recipe: Recipe,
  { on, tag, machine }: { readonly on: string; readonly tag: string; readonly machine: Machine },
): Promise<void> {
  const { env, root } = machine;
  const parts = await recipe.parts(machine);
  const context = await mkdtemp(join(tmpdir(), `portiere-${recipe.name}-`));
  try {
    await cp(join(root, 'test/images', recipe.folder), context, { recursive: true });
    for (const { from, to } of parts) await copyPart(from, join(context, to));
    const buildArguments = { ...recipe.buildArguments, [recipe.on.argument]: on };
    const flags = Object.entries(buildArguments).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]);
    // Named only: the engine's client takes the value from its own environment, and no layer keeps it.
    const proxy = proxies.flatMap((name) => (env[name] ? ['--build-arg', name] : []));
    await run('docker', ['build', '--progress', 'plain', '--tag', tag, ...flags, ...proxy, context], {
      env: { ...env, DOCKER_BUILDKIT: '1' },
      seconds: 900,
    });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Copies what links lead to, as the context holds nothing else; a Debian Java has links that lead nowhere. */
async function copyPart(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, dereference: true, filter: (path) => existsSync(path) });
}
