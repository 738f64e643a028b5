import { caches } from '../../src/drivers/redis.ts';
import { slidingWindow } from '../../src/search/api/sliding-window.ts';

/** One process of several that share a limit: prints the times (microseconds of the server) at which it was let on. */
const [port, password, limit, window, calls] = process.argv.slice(2);
const cache = await caches.connect({ host: '127.0.0.1', port: Number(port), password });
while (
  !(await cache.ping().then(
    () => true,
    () => false,
  ))
)
  await new Promise((resolve) => {
    setTimeout(resolve, 10);
  });
const accepted: number[] = [];
for (let call = 0; call < Number(calls); call += 1) {
  const answer = await cache.run(slidingWindow, 'edge', [Number(limit), Number(window)]);
  const [allowed, , , when] = answer as [number, number, number, string];
  if (allowed === 1) accepted.push(Number(when));
}
await cache.close();
process.stdout.write(JSON.stringify(accepted));
