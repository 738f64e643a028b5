#!/usr/bin/env node
// Plain, old syntax up to the version check, so that an older Node prints one clear line and not a stack trace.
import fs from 'node:fs';
import module from 'node:module';

var found = process.versions.node.split('.').map(Number);
var version = JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
var asked = process.argv.slice(2);

if (found[0] < 22 || (found[0] === 22 && found[1] < 18)) {
  process.stderr.write(
    'portiere ' +
      version +
      ' needs Node.js 22.18 or newer, and this is ' +
      process.versions.node +
      '. Inside a checkout run: npm run -s portiere -- ARGS\n',
  );
  process.exitCode = 4;
} else if (asked.length === 1 && (asked[0] === '--version' || asked[0] === '-V')) {
  process.stdout.write(version + '\n');
} else {
  if (module.enableCompileCache) module.enableCompileCache();
  start().catch(function (error) {
    process.stderr.write(
      error && error.code === 'ERR_MODULE_NOT_FOUND' && /dist.(main|give-way)\.js/.test(error.message)
        ? 'portiere is not built yet. Inside a checkout run: npm run -s portiere -- ARGS\n'
        : String((error && error.stack) || error) + '\n',
    );
    process.exitCode = 1;
  });
}

/** The index's jobs give way to what serves on the same machine while they are still being loaded. */
async function start() {
  var jobs = /^(build|ensure|populate|verify|rollback|prune)$/;
  if (asked[0] === 'index' && jobs.test(asked[1])) (await import('../dist/give-way.js')).giveWay();
  await import('../dist/main.js');
}
