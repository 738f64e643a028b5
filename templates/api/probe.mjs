// node probe.mjs [--json] URL: 0 where the address answers 2xx within 4 seconds; else 1 and one line of why not.
const args = process.argv.slice(2);
const json = args.includes('--json');
const url = args.find((arg) => arg !== '--json');

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4000), redirect: 'manual' });
  const body = await answer.text();
  if (json) console.log(body);
  if (!answer.ok) {
    if (!json) console.log(`${url} answers ${answer.status}: ${body.slice(0, 400).replaceAll(/\s+/g, ' ')}`);
    process.exitCode = 1;
  }
} catch (error) {
  const why = error.name === 'TimeoutError' ? 'no answer within 4 seconds' : (error.cause?.message ?? error.message);
  console[json ? 'error' : 'log'](`${url}: ${why}`);
  process.exitCode = 1;
}
