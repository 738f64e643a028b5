import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

import { freePort } from './cli.ts';

/** TLS in front of a server that speaks none, by the certificate in a folder (`tls.pem`, `tls.key`). */
export async function tlsDoor(behind: number, folder: string): Promise<{ port: number; close(): void }> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const certificate = {
    cert: readFileSync(join(folder, 'tls.pem')),
    key: readFileSync(join(folder, 'tls.key')),
  };
  const server = createServer(certificate, (client) => {
    const upstream = connect(behind, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
