import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Start-up beside bare Node's, alternating in one run; bounds: --version <= node + 15 ms, --help <= node + 40 ms. */
const rounds = 40;
const binary = fileURLToPath(new URL('../../bin/portiere.js', import.meta.url));
const arms = {
  'node -e 0': ['-e', '0'],
  'portiere --version': [binary, '--version'],
  'portiere --help': [binary, '--help'],
} as const;

const times = new Map<string, number[]>(Object.keys(arms).map((name) => [name, []]));
for (let round = -3; round < rounds; round++) {
  for (const [name, args] of Object.entries(arms)) {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
    if (status !== 0) throw new Error(`${name} exits ${status}`);
    if (round >= 0) times.get(name)?.push(performance.now() - start);
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const base = median(times.get('node -e 0') ?? []);
console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`,
);
console.log(`${rounds} rounds, alternating; medians`);
for (const [name, values] of times) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  console.log(
    `${name.padEnd(20)} ${median(values).toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)}), ` +
      `node + ${(median(values) - base).toFixed(1)} ms, ${(median(values) / base).toFixed(2)} x node`,
  );
}
