import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { gateway } from '../../src/drivers/pglite-gateway.ts';
import { backend } from '../../src/drivers/pglite-wire.ts';
import { fakeEngine, type FakeEngine, query, startup } from './given.ts';

let folder: string;
let server: Server;
let engine: FakeEngine;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'portiere-gateway-'));
  engine = fakeEngine();
  server = createServer(gateway(engine));
  await new Promise<void>((resolve) => {
    server.listen(path.join(folder, 's'), resolve);
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await rm(folder, { recursive: true, force: true });
});

/** A client that counts the "ready" answers it got and remembers all bytes. */
function client() {
  const socket = connect(path.join(folder, 's'));
  sockets.push(socket);
  let bytes = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
  });
  return {
    socket,
    text: () => bytes.toString('latin1'),
    send: (...messages: readonly Uint8Array[]) => socket.write(Buffer.concat(messages)),
    async sees(text: string) {
      await expect.poll(() => bytes.toString('latin1'), { interval: 2 }).toContain(text);
    },
    async closed() {
      await expect.poll(() => socket.closed, { interval: 2 }).toBe(true);
    },
  };
}

describe('gateway', () => {
  it('greets, refuses encryption and runs queries', async () => {
    const one = client();
    one.send(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
    await one.sees('N');
    one.send(startup);
    await one.sees('server_version');
    one.send(query('SELECT 1'));
    await one.sees('did SELECT 1');
  });

  it('gives the turn to one client at a time, for as long as its transaction is open', async () => {
    const [one, two] = [client(), client()];
    one.send(startup, query('BEGIN'));
    await one.sees('did BEGIN');
    two.send(startup, query('SELECT 2'));
    one.send(query('SELECT 1'));
    await one.sees('did SELECT 1');
    expect(engine.log).toEqual(['BEGIN', 'SELECT 1']);
    one.send(query('COMMIT'));
    await two.sees('did SELECT 2');
    expect(engine.log).toEqual(['BEGIN', 'SELECT 1', 'COMMIT', 'SELECT 2']);
  });

  it('rolls back what a client left open when it went', async () => {
    const [one, two] = [client(), client()];
    one.send(startup, query('BEGIN'));
    await one.sees('did BEGIN');
    two.send(startup, query('SELECT 2'));
    one.socket.destroy();
    await two.sees('did SELECT 2');
    expect(engine.log).toEqual(['BEGIN', 'ROLLBACK', 'DISCARD ALL', 'SELECT 2']);
  });

  it('rolls back a copy whose client went in the middle of it', async () => {
    const [one, two] = [client(), client()];
    one.send(startup, query('COPY t FROM STDIN'), backend('d', Buffer.from('1\n')));
    await one.sees('G');
    two.send(startup, query('SELECT 2'));
    one.socket.destroy();
    await two.sees('did SELECT 2');
    expect(engine.log).toEqual(['BEGIN', 'ROLLBACK', 'DISCARD ALL', 'SELECT 2']);
    expect(engine.state()).toBe('I');
  });

  it('passes the turn on when a client goes while its query runs', async () => {
    const [one, two] = [client(), client()];
    const running = engine.hold();
    one.send(startup, query('SELECT slow'));
    await expect.poll(() => engine.log, { interval: 2 }).toContain('SELECT slow');
    two.send(startup, query('SELECT 2'));
    one.socket.destroy();
    await one.closed();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    running.letGo();
    await two.sees('did SELECT 2');
  });

  it.each([
    ['a start of an impossible length', Buffer.from([0, 0, 0, 5, 1, 2, 3, 4, 5])],
    ['a message of an impossible length', Buffer.concat([startup, Buffer.from('Q\0\0\0\x01', 'latin1')])],
    ['a negative length', Buffer.from([255, 255, 255, 255, 1, 2, 3, 4])],
  ])('drops a client that sends %s, and goes on', async (_case, bytes) => {
    const [one, two] = [client(), client()];
    one.send(bytes);
    await one.closed();
    two.send(startup, query('SELECT 2'));
    await two.sees('did SELECT 2');
  });
});
