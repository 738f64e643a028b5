import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { LoadReport } from './open-loop.ts';

const program = fileURLToPath(new URL('searching-client.ts', import.meta.url));

/** The most searches a second that eight clients get out of an API, each waiting for its answer. */
export async function mostSearches(url: string, seconds: number): Promise<number> {
  return (await load(['closed', url, '8', String(seconds)], async () => {})) as number;
}

/** Sends `rate` searches a second while `work` goes on, at least for `seconds`. */
export async function searchesBeside(
  url: string,
  {
    rate,
    seconds,
    work = async () => {},
  }: { readonly rate: number; readonly seconds: number; readonly work?: () => Promise<void> },
): Promise<LoadReport> {
  return (await load(['open', url, String(rate), String(seconds)], work)) as LoadReport;
}

async function load(args: readonly string[], work: () => Promise<void>): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(process.execPath, [program, ...args], (error, stdout) => {
    if (error) reject(error);
    else resolve(stdout);
  });
  promise.catch(() => {});
  const begun = new Promise<void>((begin) => {
    child.stdout?.once('data', () => begin());
    child.once('exit', () => begin());
  });
  try {
    await begun;
    await work();
  } catch (error) {
    child.kill();
    throw error;
  }
  child.stdin?.end();
  return JSON.parse((await promise).replace(/^begins$/m, ''));
}
