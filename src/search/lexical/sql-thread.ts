import { Worker } from 'node:worker_threads';

import { entryFile } from '../system/entry-file.ts';

export interface SqlWork {
  readonly file: string;
  readonly script: string;
  /** Packs the attributes of a lexical file when the script has run. */
  readonly attributes?: boolean;
}

/** Runs an SQL script on a file that nobody else has open, on a thread of its own; rejects with SQLite's error. */
export async function runSql(work: SqlWork): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const worker = new Worker(entryFile('sql-worker'), { workerData: work, execArgv: [] });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the thread ended with ${code}`));
    });
  });
}
