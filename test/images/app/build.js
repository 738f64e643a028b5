// Writes the application to a folder, with every NEXT_PUBLIC_ value of the environment fixed in its text.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node build.js FOLDER');
const values = Object.entries(process.env).filter(
  ([name, value]) => name.startsWith('NEXT_PUBLIC_') && value !== '',
);

const before = 'const inlined = {};';
const source = readFileSync('server.js', 'utf8');
if (!source.includes(before)) throw new Error(`server.js has no line ${before}`);
mkdirSync(folder, { recursive: true });
const after = `const inlined = ${JSON.stringify(Object.fromEntries(values))};`;
writeFileSync(
  join(folder, 'server.js'),
  source.replace(before, () => after),
);
cpSync('package.json', join(folder, 'package.json'));
