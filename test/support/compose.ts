import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { revealed } from '../../src/config/secret.ts';
import { renderStack } from '../../src/render/targets.ts';
import type { Service, Stack } from '../../src/stack/model.ts';
import { builtStack, sourcesOf } from './stack.ts';

/** Why `docker compose` cannot be used here; null: it can. */
export function composeMissing(): string | null {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'pipe', timeout: 20_000 });
    return null;
  } catch {
    return 'there is no docker compose';
  }
}

/** A folder with the rendered files of a stack, as `render` writes them. */
export function writeStack(stack: Stack): string {
  const files = renderStack(stack, sourcesOf());
  const folder = mkdtempSync(join(tmpdir(), 'portiere-render-'));
  mkdirSync(join(folder, 'secrets'), { mode: 0o700 });
  for (const { path, content, mode } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, revealed(content));
    chmodSync(file, mode);
  }
  return folder;
}

export interface ComposeAnswer {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `docker compose` on a rendered folder; throws with what it said where it fails. */
export async function compose(
  folder: string,
  args: readonly string[],
  seconds = 120,
): Promise<ComposeAnswer> {
  return await promisify(execFile)('docker', ['compose', '--file', join(folder, 'compose.yaml'), ...args], {
    timeout: seconds * 1000,
    maxBuffer: 1024 ** 3,
    env: { ...process.env, COMPOSE_PROGRESS: 'plain', COMPOSE_DISABLE_ENV_FILE: 'true' },
  });
}

/** A service of the default stack alone, with nothing around it and another image. */
export function loneService(
  name: string,
  change: Partial<Service>,
  namespace = 'portiere-render-test',
): Stack {
  const { stack } = builtStack();
  const service = stack.services.find((one) => one.name === name);
  if (service === undefined) throw new Error(`The stack has no ${name}.`);
  const lone: Service = {
    ...service,
    mounts: [],
    secrets: [],
    dependsOn: [],
    healthcheck: null,
    inputs: {},
    ...change,
  };
  return {
    ...stack,
    namespace,
    services: [lone],
    volumes: [],
    secrets: [],
    networks: stack.networks.filter((network) => lone.networks.includes(network.name)),
  };
}
