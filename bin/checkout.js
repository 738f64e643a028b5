// The checkout's own commands, behind `npm run demo | test | test:full | portiere`. Old syntax and nothing but Node's
// own modules: it runs on whatever Node the machine has, installs and builds what is missing, and goes on with the
// Node that the checkout brings along.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const [command, ...args] = process.argv.slice(2);

const commands = {
  portiere: () =>
    run(node(), [at('bin', 'portiere.js'), ...args], process.env.INIT_CWD || process.cwd(), false, images()),
  demo: () => {
    fs.mkdirSync(at('.demo'), { recursive: true });
    const from = process.env.INIT_CWD || root;
    const where = path.relative(from, at('.demo')) || '.';
    return run(node(), [at('bin', 'portiere.js'), 'demo', '--cwd', where, ...args], from);
  },
  test: () => test({}),
  'test:full': () => test({ PORTIERE_TEST_FULL: '1', PORTIERE_TEST_ROUNDS: '20' }),
};

if (!Object.hasOwn(commands, command)) {
  process.stderr.write('usage: node bin/checkout.js ' + Object.keys(commands).join(' | ') + '\n');
  process.exit(64);
}
install();
build();
process.exitCode = commands[command]();

/** The images of `npm run images`, where they were built and nobody named others. */
function images() {
  const file = at('.images.yaml');
  if (process.env.PORTIERE_IMAGES !== undefined || !fs.existsSync(file)) return {};
  say('Using the test images of .images.yaml (PORTIERE_IMAGES= for the official ones).');
  return { PORTIERE_IMAGES: file };
}

/** Installs the locked packages where they are missing or older than the lock file. */
function install() {
  const installed = mtime(at('node_modules', '.package-lock.json'));
  if (installed >= mtime(at('package-lock.json')) && fs.existsSync(at('node_modules', '.bin', 'tsup')))
    return;
  say('Installing packages (once) ...');
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lock without the builds for other systems, which not every registry has. The versions
  // and checksums are the lock's either way.
  const argv = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel', 'error'];
  const code = npm ? run(process.execPath, [npm, ...argv], root, true) : run('npm', argv, root, true);
  if (code !== 0) process.exit(code);
  // An install leaves the lock's own copy with the time of the package; ours counts from now.
  const now = new Date();
  fs.utimesSync(at('node_modules', '.package-lock.json'), now, now);
}

/** Builds dist/ where a source is newer than it. */
function build() {
  const built = mtime(at('dist', 'portiere.schema.json'));
  const sources = [at('src'), at('package.json'), at('package-lock.json'), at('tsup.config.ts')];
  if (built > 0 && Math.max(...sources.map(newest)) <= built) return;
  say('Building ...');
  const code = run(node(), [at('node_modules', 'tsup', 'dist', 'cli-default.js'), '--silent'], root, true);
  if (code !== 0) process.exit(code);
}

/** Unit tests, then integration tests; the last line is the sum of both. */
function test(env) {
  const total = { passed: 0, failed: 0, skipped: [] };
  for (const project of ['unit', 'integration']) {
    const report = at('node_modules', '.cache', `portiere-${project}.json`);
    fs.rmSync(report, { force: true });
    const vitest = [at('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', project];
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const start = Date.now();
    const code = run(node(), [...vitest, ...reporters, ...args], root, false, { ...env, NO_COLOR: '1' });
    say(`${project} tests took ${String(Math.round((Date.now() - start) / 1000))} s`);
    add(total, report, code);
  }
  for (const name of total.skipped) process.stdout.write('skipped: ' + name + '\n');
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

/** A suite that does not even load fails without a failed test: it counts as one. */
function add(total, report, code) {
  if (!fs.existsSync(report)) {
    total.failed += 1;
    return;
  }
  const result = JSON.parse(fs.readFileSync(report, 'utf8'));
  total.passed += result.numPassedTests;
  total.failed += result.numFailedTests > 0 || code === 0 ? result.numFailedTests : 1;
  for (const file of result.testResults) {
    for (const one of file.assertionResults) {
      if (one.status === 'skipped' || one.status === 'pending') total.skipped.push(one.fullName);
    }
  }
}

/** The Node that the checkout brings along, or this one. */
function node() {
  const own = at('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return fs.existsSync(own) ? own : process.execPath;
}

function run(file, argv, cwd, toStderr, env) {
  const bin = path.dirname(node());
  const PATH = bin + path.delimiter + at('node_modules', '.bin') + path.delimiter + process.env.PATH;
  const stdio = ['inherit', toStderr ? 2 : 'inherit', 'inherit'];
  const PORTIERE_CALLED_AS = 'npm run -s portiere --';
  const result = spawnSync(file, argv, {
    cwd,
    stdio,
    env: { ...process.env, PORTIERE_CALLED_AS, ...env, PATH },
  });
  if (result.error) throw result.error;
  return result.status === null ? 1 : result.status;
}

function newest(file) {
  const found = fs.statSync(file);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(found.mtimeMs, ...fs.readdirSync(file).map((name) => newest(path.join(file, name))));
}

function mtime(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtimeMs : 0;
}

function say(text) {
  process.stderr.write(text + '\n');
}
