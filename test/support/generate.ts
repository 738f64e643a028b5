import { readFileSync, writeFileSync } from 'node:fs';

import { envExample } from '../../src/config/example.ts';
import { settingsReference } from '../../src/config/reference.ts';
import { exitCodes } from '../../src/errors.ts';
import { goals } from '../bench/benches.ts';
import { readResults } from '../bench/result.ts';
import { benchTable } from '../bench/table.ts';

/** Writes what is made from the code: `.env.example`, and the generated parts of the README. Run: npm run generate */
const root = new URL('../../', import.meta.url);

export function generatedFiles(readme: string): ReadonlyMap<string, string> {
  return new Map([
    ['.env.example', envExample()],
    [
      'README.md',
      withPart(
        withPart(withPart(readme, 'settings', settingsReference()), 'errors', errorReference()),
        'benches',
        benchTable(readResults(), goals),
      ),
    ],
  ]);
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '')) {
  const readme = readFileSync(new URL('README.md', root), 'utf8');
  for (const [name, text] of generatedFiles(readme)) writeFileSync(new URL(name, root), text);
}

function withPart(readme: string, name: string, text: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks its part ${name}`);
  return `${readme.slice(0, from + start.length)}\n${text.trim()}\n${readme.slice(to)}`;
}

function errorReference(): string {
  const byExit = new Map<number, string[]>();
  for (const [code, exit] of Object.entries(exitCodes)) byExit.set(exit, [...(byExit.get(exit) ?? []), code]);
  const rows = [...byExit]
    .sort(([a], [b]) => a - b)
    .map(([exit, codes]) => `| ${exit} | ${codes.join(', ')} |`);
  return ['| exit | error codes |', '| --- | --- |', '| 0 | nothing left to do |', ...rows].join('\n');
}
