import { resolve4 } from 'node:dns/promises';

const lookEvery = 10_000;

/** How many containers stand behind a service's name in the stack's network, as its DNS says; 1 until it has answered. */
export function watchPeers(service: string): { count(): number; close(): void } {
  let count = 1;
  const look = async (): Promise<void> => {
    const found = await resolve4(service).catch(() => []);
    if (found.length > 0) count = found.length;
  };
  void look();
  const timer = setInterval(() => void look(), lookEvery);
  timer.unref();
  return {
    count: () => count,
    close() {
      clearInterval(timer);
    },
  };
}
