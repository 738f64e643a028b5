import { type ChildProcess, fork } from 'node:child_process';
import { PortiereError } from '../../errors.ts';
import { entryFile } from '../system/entry-file.ts';
import type { FaissReply, FaissRequest } from './faiss-child.ts';

export interface FaissProcessOptions {
  readonly packagePath: string;
  readonly indexPath: string;
  /** The flat file with every row; the index itself where that is flat. */
  readonly vectorsPath: string;
  readonly threads: number;
}

export type FaissAnswer = Extract<FaissReply, { id: number }>;
export type FaissQuestion =
  | Omit<Extract<FaissRequest, { k: number }>, 'id'>
  | Omit<Extract<FaissRequest, { rows: unknown }>, 'id'>;

/** One child process with the index loaded. */
export interface FaissProcess {
  /** How many questions it has been asked. */
  readonly asked: number;
  readonly alive: boolean;
  readonly pid: number | undefined;
  /** Rejects with ChildGone when the process ends before it answers. */
  ask(question: FaissQuestion): Promise<FaissAnswer>;
  /** Ends it once what it was asked is answered. */
  retire(): void;
  /** Ends it now. */
  kill(): Promise<void>;
}

/** The child ended with this question unanswered: another child may be asked. */
export class ChildGone extends Error {
  override readonly name = 'ChildGone';
}

interface Waiting {
  resolve(answer: FaissAnswer): void;
  reject(error: Error): void;
}

/** Starts a child and waits until it has loaded the index; PACKAGE_MISSING when faiss-node does not load. */
export async function startFaissProcess(options: FaissProcessOptions): Promise<FaissProcess> {
  const { packagePath, indexPath, vectorsPath, threads } = options;
  const child = fork(entryFile('faiss-child'), [packagePath, indexPath, vectorsPath, String(threads)], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  await whenReady(child);

  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let alive = true;
  let retiring = false;
  holdProgram(child, false);
  child.on('message', (reply: FaissReply) => {
    if (!('id' in reply)) return;
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
    if (waiting.size > 0) return;
    holdProgram(child, false);
    if (retiring && child.connected) child.disconnect();
  });
  child.once('exit', () => {
    alive = false;
    for (const one of waiting.values()) one.reject(new ChildGone('The faiss-node process ended.'));
    waiting.clear();
  });

  return {
    get asked() {
      return asked;
    },
    get alive() {
      return alive && child.connected;
    },
    pid: child.pid,
    ask(question) {
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        holdProgram(child, true);
        // A failed send is a dead child: its end answers, so that there is one way to fail.
        child.send({ ...question, id } satisfies FaissRequest, (error) => {
          if (error) child.kill('SIGKILL');
        });
      });
    },
    retire() {
      retiring = true;
      if (waiting.size === 0 && child.connected) child.disconnect();
    },
    async kill() {
      if (alive) holdProgram(child, true);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function whenReady(child: ChildProcess): Promise<void> {
  const fault = await new Promise<string | undefined>((resolve) => {
    child.once('message', (reply: FaissReply) => resolve('failed' in reply ? reply.failed : undefined));
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`its process ended (${signal ?? `exit code ${code}`})`));
  });
  if (fault === undefined) return;
  child.kill('SIGKILL');
  throw new PortiereError('PACKAGE_MISSING', `faiss-node is installed but does not work: ${fault}`, {
    hint: 'Reinstall it (npm install faiss-node), or search without it: DENSE_ENGINE=native.',
  });
}

/** A child with nothing to do must not keep the program alive. */
function holdProgram(child: ChildProcess, hold: boolean): void {
  if (hold) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
