// All benches, or those of some goals, one after the other; results go to results/ and the README's table is made anew.
// usage: npm run bench [-- G1 G5 ...] [-- --busy] [--model FOLDER] [--vocabulary PATH] [--queries FILE] [--rounds 5] [--list]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { benches } from './benches.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    busy: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    model: { type: 'string' },
    vocabulary: { type: 'string' },
    queries: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const chosen = benches.filter(
  ({ goals }) => positionals.length === 0 || goals.some((goal) => positionals.includes(goal)),
);
const unknown = positionals.filter(
  (goal) => !benches.some(({ goals }) => (goals as readonly string[]).includes(goal)),
);
if (unknown.length > 0)
  throw new Error(
    `${unknown.join()} is measured by no bench; those are ${[...new Set(benches.flatMap(({ goals }) => goals))].join(' ')}.`,
  );

const failed: string[] = [];
for (const [at, bench] of chosen.entries()) {
  const given = ('needs' in bench ? bench.needs : []).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, values[name]],
  );
  const busy = values.busy ? ['--busy'] : [];
  // The load average after a bench is that bench's own; who else is there shows while it is measured.
  const wait = at === 0 ? ['--wait', '60'] : ['--after'];
  const args = [...bench.args, ...given, ...busy, ...wait, '--rounds', values.rounds];
  console.log(`\n== ${bench.goals.join(' ')}: ${bench.script} ${args.join(' ')}`);
  if (values.list) continue;
  const script = fileURLToPath(new URL(bench.script, import.meta.url));
  if (spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' }).status !== 0)
    failed.push(`${bench.script} ${args.join(' ')}`);
}
if (!values.list)
  spawnSync(process.execPath, [fileURLToPath(new URL('../support/generate.ts', import.meta.url))], {
    stdio: 'inherit',
  });
for (const one of failed) console.log(`failed: ${one}`);
process.exitCode = failed.length === 0 ? 0 : 1;
