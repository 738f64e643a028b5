// How long the installed program takes to start, beside a bare Node and beside Docker Compose, in turn (G15).
// usage: node test/bench/start.ts [--rounds 5] [--busy] (after npm run build)
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { median } from './quantile.ts';
import { commonOptions, openSession, type RowHead } from './session.ts';

const { values } = parseArgs({ options: { ...commonOptions, runs: { type: 'string', default: '15' } } });
const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = install();
const project = mkdtempSync(join(tmpdir(), 'portiere-start-'));
const session = await openSession('start', values);
const bare = [process.execPath, '-e', '0'] as const;
const compose = ['docker', 'compose', 'version'] as const;
const hasCompose = spawnSync(compose[0], compose.slice(1)).status === 0;

const more = { unit: 'ms more', measured: 'ms', peer: 'node -e 0', checked: 'exit code 0' } as const;
const cases: readonly [RowHead, readonly string[], readonly string[]][] = [
  [{ goal: 'G15', metric: '--version', target: { atMost: 3 }, ...more }, ['--version'], bare],
  [{ goal: 'G15', metric: '--help', target: { atMost: 10 }, ...more }, ['--help'], bare],
  [
    {
      goal: 'G15',
      metric: 'status, nothing running',
      ...more,
      unit: 'x',
      peer: 'docker compose version',
      target: { atMost: 0.6 },
      checked: 'it answers',
    },
    ['status'],
    compose,
  ],
];
for (const [head, args, peer] of cases) {
  if (peer === compose && !hasCompose) {
    session.notRun(head, 'docker compose absent');
    continue;
  }
  const row = session.row(head);
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const [own, theirs]: [number[], number[]] = [[], []];
    for (let run = 0; run < Number(values.runs); run += 1) {
      theirs.push(timeOf(peer));
      own.push(timeOf([process.execPath, binary, ...args]));
    }
    const [ours, others] = [median(own), median(theirs)];
    if (round >= 0) row.round(ours, others, head.unit === 'x' ? ours / others : ours - others);
  }
}
rmSync(project, { recursive: true });
session.finish();

function timeOf([program = '', ...args]: readonly string[]): number {
  const start = performance.now();
  const { status, error } = spawnSync(program, args, { cwd: project, stdio: 'ignore' });
  if (error || status === null) throw new Error(`${program} ${args.join(' ')} ends with ${status}`);
  return performance.now() - start;
}

/** As npm packs it, not the source tree; its packages are found above it. */
function install(): string {
  const folder = join(root, '.bench/installed/node_modules/portiere');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  execFileSync('tar', ['-xzf', join(folder, packed.trim()), '--strip-components=1', '-C', folder]);
  return join(folder, 'bin/portiere.js');
}
