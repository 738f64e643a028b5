import path from 'node:path';

import type { GlobalOptions, Outcome, Ports } from '../../ports.ts';
import { inspectFaiss } from '../../search/vectors/faiss-header.ts';

export interface InspectOptions extends GlobalOptions {
  readonly file: string;
}

/** What a FAISS file says of itself; one page of it is read, whatever its size. */
export async function inspect(ports: Ports, options: InspectOptions): Promise<Outcome> {
  const found = await inspectFaiss(path.resolve(ports.caller.cwd, options.file));
  const rows = Object.entries(found).map(([name, value]) => [name, String(value)]);
  return { data: found, view: [{ header: ['field', 'value'], rows }] };
}
