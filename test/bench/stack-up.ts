// `portiere up` against `docker compose up -d --wait` of the same rendered file, from nothing, images present, in turn.
// usage: node test/bench/stack-up.ts [ROUNDS]
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { nameOf, newStackProject, stackMissing, type StackProject } from '../support/stacks.ts';

const rounds = Number(process.argv[2] ?? 3);
if (stackMissing !== '') throw new Error(stackMissing);

const project = await newStackProject(['dev']);
const rows: { readonly settled: number; readonly at_once: number; readonly compose: number }[] = [];
try {
  // The api image is built, and everything has been read once.
  await timed(project, ['up']);
  for (let round = 0; round < rounds; round++) {
    await wipe(project);
    const settled = await timed(project, ['up']);
    await wipe(project);
    const atOnce = await timed(project, ['up', '--stable-for', '0']);
    await wipe(project);
    rows.push({ settled, at_once: atOnce, compose: plainCompose(project) });
    console.table(rows.at(-1));
  }
} finally {
  await project.end();
}

const peer = median(rows.map(({ compose }) => compose));
report('portiere up (all settled: 10 s well, 25 s without a healthcheck)', (row) => row.settled);
report('portiere up --stable-for 0', (row) => row.at_once);
console.log(`docker compose up -d --wait: ${peer.toFixed(1)} s (median of ${rounds})`);

function report(name: string, pick: (row: (typeof rows)[number]) => number): void {
  const ours = median(rows.map(pick));
  const over = median(rows.map((row) => pick(row) - row.compose));
  const percent = median(rows.map((row) => (pick(row) / row.compose - 1) * 100));
  console.log(`${name}: ${ours.toFixed(1)} s, ${over.toFixed(1)} s (${percent.toFixed(0)} %) over Compose`);
}

async function timed(stack: StackProject, args: readonly string[]): Promise<number> {
  const done = await stack.run(args, { timeout: 600_000 });
  if (done.code !== 0) throw new Error(done.stderr);
  return done.milliseconds / 1000;
}

async function wipe(stack: StackProject): Promise<void> {
  await timed(stack, ['down', '--volumes', '--confirm', nameOf(stack)]);
}

function plainCompose({ folder }: StackProject): number {
  const rendered = join(folder, '.portiere/render/dev');
  const file = join(rendered, 'peer.yaml');
  // Compose's wait ends with 1 at a service whose healthcheck is off, so the peer's file does not turn it off.
  const text = readFileSync(join(rendered, 'compose.yaml'), 'utf8');
  writeFileSync(file, text.replaceAll(/^ {4}healthcheck:\n {6}disable: true\n/gmu, ''));
  const start = performance.now();
  const args = ['compose', '-f', file, 'up', '-d', '--wait'];
  const { status, stderr } = spawnSync('docker', args, { encoding: 'utf8', timeout: 600_000 });
  // Its verdict is its own; what counts here is how long it took to reach it.
  if (status !== 0) {
    console.log(`docker compose up --wait ends with ${status}: ${stderr.trim().split('\n').at(-1)}`);
  }
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
