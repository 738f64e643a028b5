import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A socket before the engine's own: it notes the requests that may change something, and can be cut like a stopped engine. */
export interface EngineSocket {
  /** For DOCKER_HOST. */
  readonly url: string;
  /** Method and path of every request but GET and HEAD that passed so far. */
  readonly changing: readonly string[];
  /** Ends every connection and takes no more, as when the engine is stopped; `open` is its start. */
  cut(): Promise<void>;
  open(): Promise<void>;
  end(): Promise<void>;
}

/** Opens the socket; it leads to the engine at DOCKER_HOST where that is a socket, else at the usual place. */
export async function openEngineSocket(): Promise<EngineSocket> {
  const folder = mkdtempSync(path.join(tmpdir(), 'portiere-engine-'));
  const place = path.join(folder, 'docker.sock');
  const changing: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const engine = connect(enginePlace());
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      open.add(one);
      one.once('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.on('error', () => one.destroy());
    }
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      for (const [, request] of text.matchAll(/^((?:POST|PUT|DELETE|PATCH) \S+) HTTP\/1\.1\r$/gm)) {
        changing.push(request ?? '');
      }
    });
    client.pipe(engine);
    engine.pipe(client);
  });
  const socket: EngineSocket = {
    url: `unix://${place}`,
    changing,
    async open() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(place, resolve);
      });
    },
    async cut() {
      for (const one of open) one.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    async end() {
      await socket.cut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await socket.open();
  return socket;
}

function enginePlace(): string {
  const host = process.env['DOCKER_HOST'] ?? '';
  return host.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
}
