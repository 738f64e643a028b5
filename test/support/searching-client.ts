import { closedLoopRate, openLoop, searchOver } from './open-loop.ts';

// The client of a load test, in a process of its own: what else the test does must not delay it.
// Arguments: closed URL CLIENTS SECONDS, or open URL RATE SECONDS (goes on until its input ends). Prints a line once it
// begins, and then JSON.
const [kind, url = '', first, second] = process.argv.slice(2);
const [amount, seconds] = [Number(first), Number(second)];
const search = searchOver(url);
// Its own first searches are slow: this program is still being loaded.
for (let at = 0; at < 50; at += 1) await search('first');
console.log('begins');
const report =
  kind === 'closed'
    ? await closedLoopRate(search, { clients: amount, seconds })
    : await openLoop(search, { rate: amount, seconds, work: untilInputEnds });
console.log(JSON.stringify(report));

async function untilInputEnds(): Promise<void> {
  for await (const _ of process.stdin);
}
