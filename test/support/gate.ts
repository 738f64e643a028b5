import { connect, createServer, type Socket } from 'node:net';

import { freePort } from './cli.ts';

/** A door in front of a server that a test may not stop: open, shut (refuses), or stuck (takes and says nothing). */
export interface Gate {
  readonly port: number;
  set(state: 'open' | 'shut' | 'stuck'): Promise<void>;
}

export async function gateBefore(host: string, port: number): Promise<Gate> {
  const own = await freePort();
  const sockets = new Set<Socket>();
  let state: 'open' | 'shut' | 'stuck' = 'open';
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('close', () => sockets.delete(client));
    if (state === 'stuck') return;
    const behind = connect(port, host);
    sockets.add(behind);
    behind.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => behind.destroy());
    client.pipe(behind).pipe(client);
  });
  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(own, '127.0.0.1', resolve);
    });
  };
  await listen();
  return {
    port: own,
    async set(next) {
      if (next === state) return;
      const before = state;
      state = next;
      for (const socket of sockets) socket.destroy();
      if (next === 'shut') await new Promise((resolve) => server.close(resolve));
      else if (before === 'shut') await listen();
    },
  };
}
