import { connect, createServer, type Socket } from 'node:net';

import { freePort } from './cli.ts';

/** What happens to a connection once it has carried some answers. */
const mishaps = ['reset', 'cut', 'half-close', 'delay', 'reset', 'cut', 'blackhole'] as const;
type Mishap = (typeof mishaps)[number];

/** A TCP proxy in front of a server, through which no connection lives long while it is `rough`. */
export interface RoughProxy {
  readonly port: number;
  rough: boolean;
  /** How often each mishap came about. */
  readonly seen: Record<Mishap, number>;
  close(): Promise<void>;
}

/** Connections come to grief in turn, after one to three parts of answers. */
export async function roughProxy(behind: number): Promise<RoughProxy> {
  let connections = 0;
  const port = await freePort();
  const sockets = new Set<Socket>();
  const seen: RoughProxy['seen'] = { reset: 0, 'half-close': 0, blackhole: 0, cut: 0, delay: 0 };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect(behind, '127.0.0.1');
    keep(client);
    keep(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    const mishap = mishaps[connections++ % mishaps.length] ?? 'reset';
    let answersLeft = 1 + (connections % 3);
    let swallow = false;
    client.on('data', (request) => {
      if (!swallow) upstream.write(request);
    });
    upstream.on('data', (answer) => {
      if (swallow) return;
      // Each part of an answer counts: some mishaps come in the middle of one.
      if (!proxy.rough || answersLeft-- > 0) {
        client.write(answer);
        return;
      }
      seen[mishap] += 1;
      if (mishap === 'delay') {
        setTimeout(() => client.write(answer), 400);
        // The next part does not come at all.
        setTimeout(() => client.resetAndDestroy(), 600);
        return;
      }
      swallow = true;
      if (mishap === 'cut') {
        client.write(answer.subarray(0, Math.floor(answer.length / 2)), () => client.destroySoon());
      } else if (mishap === 'reset') {
        client.resetAndDestroy();
      } else if (mishap === 'half-close') {
        client.end();
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const proxy: RoughProxy = {
    port,
    rough: true,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
