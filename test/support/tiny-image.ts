import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** On everything that the tests of the engine create; what carries it may be removed. */
const testLabel = 'io.portiere.test=engine';

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file));

/** Why there can be no test against an engine here; empty where there can be. */
export const engineMissing =
  busybox === undefined || !isStatic(busybox)
    ? 'no static busybox: apt-get install busybox-static'
    : answers()
      ? ''
      : 'no Docker engine with Compose 2 answers: see docker info, docker compose version';

/** Makes a 2 MB image with a shell by `docker import`, no registry involved; returns its name. */
export function makeTinyImage(tag: string): string {
  const name = `portiere-test/tiny:${tag}`;
  const root = mkdtempSync(path.join(tmpdir(), 'portiere-tiny-'));
  try {
    for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(path.join(root, folder));
    copyFileSync(busybox ?? '', path.join(root, 'bin', 'busybox'));
    for (const tool of execFileSync(busybox ?? '', ['--list'], { encoding: 'utf8' })
      .trim()
      .split('\n')) {
      if (tool !== 'busybox') symlinkSync('busybox', path.join(root, 'bin', tool));
    }
    const tar = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
    const changes = ['CMD ["sh"]', `LABEL ${testLabel}`, 'VOLUME /volume', 'ENV TINY=1', 'EXPOSE 80'];
    docker(['import', ...changes.flatMap((change) => ['--change', change]), '-', name], tar);
  } finally {
    rmSync(root, { recursive: true });
  }
  return name;
}

export function removeImage(name: string): void {
  docker(['image', 'rm', '--force', name]);
}

function docker(args: readonly string[], input?: Buffer): string {
  return execFileSync('docker', [...args], {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input && { input }),
  });
}

/** A dynamic program names its loader. */
function isStatic(file: string): boolean {
  const program = readFileSync(file);
  return !program.includes('/ld-linux') && !program.includes('/ld-musl');
}

function answers(): boolean {
  try {
    docker(['info']);
    return docker(['compose', 'version', '--short']).trim().replace('v', '') >= '2';
  } catch {
    return false;
  }
}
