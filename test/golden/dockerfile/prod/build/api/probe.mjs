// Written by portiere 1.2.3 for demo, environment prod; config e8bcc0d3bb64.
// Do not edit: change the configuration, then run `portiere render --env prod`.
// node probe.mjs [--json] URL: 0 where the address answers 2xx within 4 seconds; else 1 and one line of why not.
const args = process.argv.slice(2);
const wantsBody = args.includes('--json');
const url = args.find((arg) => arg !== '--json');

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4000), redirect: 'manual' });
  const body = await answer.text();
  if (wantsBody) process.stdout.write(`${body}\n`);
  if (!answer.ok) fail(`${url} answers ${answer.status}: ${body.slice(0, 400).replaceAll(/\s+/g, ' ')}`);
} catch (error) {
  fail(`${url}: ${error.name === 'TimeoutError' ? 'no answer within 4 seconds' : (error.cause?.message ?? error.message)}`);
}

// The engine keeps what a probe prints; a body is on standard output alone.
function fail(why) {
  (wantsBody ? process.stderr : process.stdout).write(`${why}\n`);
  process.exitCode = 1;
}
