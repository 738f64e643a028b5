import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A Python process that is asked one thing at a time. */
export interface Peer {
  readonly version: string;
  ask(request: object): Promise<never>;
  close(): void;
}

/** The Python that `npm run bench:peers` installs the peers for. */
export const python = fileURLToPath(new URL('../../.bench/venv/bin/python', import.meta.url));

/** Why a peer cannot be measured; undefined where the Python packages are there. */
export function lacking(...packages: readonly string[]): string | undefined {
  const absent = packages.filter(
    (name) => !existsSync(python) || spawnSync(python, ['-c', `import ${name}`]).status !== 0,
  );
  return absent.length === 0 ? undefined : `${absent.join(', ')} absent (npm run bench:peers)`;
}

/** One with faiss-cpu. */
export async function startFaissPeer(): Promise<Peer> {
  return await startPeer('faiss_peer.py');
}

/** What a build took: seconds on the wall, of all processors together, and bytes of memory at most. */
export interface BuildCost {
  readonly seconds: number;
  readonly cpu: number;
  readonly peak: number;
}

/** Has faiss-cpu build `factory` from the vectors, in a process of its own, with two threads. */
export async function buildWithFaiss(request: {
  readonly vectors: string;
  readonly target: string;
  readonly factory: string;
  readonly training: number | undefined;
}): Promise<BuildCost> {
  const builder = await startFaissPeer();
  try {
    return await builder.ask({ do: 'build', ...request, threads: 2 });
  } finally {
    builder.close();
  }
}

/** Starts a script; each BLAS call takes one thread unless the script says otherwise. */
export async function startPeer(name: string): Promise<Peer> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', TOKENIZERS_PARALLELISM: 'true' };
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended`);
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
