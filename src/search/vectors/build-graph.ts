import { fork } from 'node:child_process';
import { PortiereError } from '../../errors.ts';
import { entryFile } from '../system/entry-file.ts';
import { faissNodePath, noFaissNode } from './faiss-node-package.ts';
import type { GraphReply } from './graph-child.ts';

export interface GraphBuild {
  readonly vectors: string;
  readonly target: string;
  readonly efConstruction: number;
  readonly efSearch: number;
  /** Folder to look for faiss-node from; beside this program by default. */
  readonly packageFrom?: string | undefined;
  readonly progress: (done: number, total: number) => void;
}

/** Builds a graph (`IHNf`, 32 neighbours) of all rows by faiss-node in a child process, on one thread. PACKAGE_MISSING without it. */
export async function buildGraph(build: GraphBuild): Promise<void> {
  const { vectors, target, efConstruction, efSearch, progress } = build;
  const packagePath = faissNodePath(build.packageFrom);
  if (packagePath === undefined) throw noFaissNode();
  const numbers = [String(efConstruction), String(efSearch)];
  const child = fork(entryFile('graph-child'), [packagePath, vectors, target, ...numbers], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const fault = await new Promise<string | undefined>((resolve) => {
    let failed: string | undefined;
    child.on('message', (reply: GraphReply) => {
      if ('failed' in reply) failed = reply.failed;
      else progress(reply.done, reply.total);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      if (code !== 0) failed ??= `its process ended (${signal ?? `exit code ${code}`})`;
      resolve(failed);
    });
  });
  if (fault === undefined) return;
  throw new PortiereError('BUILD_FAILED', `faiss-node could not build the graph at ${target}: ${fault}`, {
    hint: 'Check the memory and the disk space there are, or build without it: an IVF kind.',
  });
}
