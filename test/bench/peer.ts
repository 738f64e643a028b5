import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A Python process that is asked one thing at a time. */
export interface Peer {
  readonly version: string;
  ask(request: object): Promise<never>;
  close(): void;
}

/** One with faiss-cpu (.bench/venv/bin/pip install faiss-cpu numpy). */
export async function startFaissPeer(): Promise<Peer> {
  return await startPeer('faiss_peer.py');
}

/** Starts a script with the Python of .bench/venv (python3 -m venv .bench/venv). */
export async function startPeer(name: string): Promise<Peer> {
  const python = fileURLToPath(new URL('../../.bench/venv/bin/python', import.meta.url));
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the peer ended');
    return JSON.parse(value) as never;
  };
  const { version } = (await answer()) as { readonly version: string };
  return {
    version,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    close: () => child.stdin.end(),
  };
}
