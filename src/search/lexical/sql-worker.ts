// A thread that runs one script on one SQLite file: building an index blocks the thread it runs on for a minute.
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

import { packAttributes } from './attributes.ts';
import type { SqlWork } from './sql-thread.ts';

const { file, script, attributes } = workerData as SqlWork;
const database = new DatabaseSync(file);
try {
  database.exec(script);
  if (attributes === true) packAttributes(database);
} finally {
  database.close();
}
