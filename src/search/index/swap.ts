import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError, PortiereError } from '../../errors.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import { replaceFile, sync } from '../system/disk.ts';
import { pointAlias } from '../lexical/elasticsearch-alias.ts';
import { indexOf } from '../lexical/elasticsearch-index.ts';
import { publish, publishedBuild } from './publish.ts';

/** A change of the published build that was begun: the pointer and the search engine's alias go together. */
export interface Swap {
  readonly from: string | null;
  readonly to: string;
  /** ISO time. */
  readonly begun: string;
}

/** Where the intent stands, beside the pointer, until both engines have been told. */
function journal(pointer: string): string {
  return path.join(path.dirname(pointer), 'swap.json');
}

/** The swap that was begun and not ended; undefined where both engines agree. */
export async function pendingSwap(pointer: string): Promise<Swap | undefined> {
  const file = journal(pointer);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Swap;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw fromSystemError(error, file);
    throw new PortiereError('INDEX_INVALID', `The journal ${file} of a swap is damaged.`, {
      hint: 'Remove it, then run: portiere index rollback with the build to serve',
      cause: error,
    });
  }
}

/**
 * Makes a build the published one: the intent, the pointer (one rename), the alias (one call), the end of the intent.
 * The search engine must hold the build. Killed between any two of them, `settleSwap` makes the engines agree.
 */
export async function swap(
  pointer: string,
  to: string,
  { engine, now }: { readonly engine: SearchEngine | undefined; readonly now: Date },
): Promise<void> {
  const from = (await publishedBuild(pointer)) ?? null;
  const intent: Swap = { from, to, begun: now.toISOString() };
  await replaceFile(journal(pointer), `${JSON.stringify(intent)}\n`).catch((error: unknown) => {
    throw fromSystemError(error, journal(pointer));
  });
  if (from !== to) await publish(pointer, to);
  await endSwap(pointer, to, engine);
}

/**
 * Ends a swap that was broken off: forward where the pointer was moved already, back where it was not. Gives the build
 * that both engines now name; undefined where nothing was pending.
 */
export async function settleSwap(
  pointer: string,
  engine: SearchEngine | undefined,
): Promise<string | undefined> {
  const pending = await pendingSwap(pointer);
  if (pending === undefined) return undefined;
  const published = await publishedBuild(pointer);
  if (published === undefined) {
    await forget(pointer);
    return undefined;
  }
  // An engine that lost the build cannot be told of it: the load that follows ends the swap.
  const held = engine === undefined || (await engine.count(indexOf(published, engine.alias))) !== undefined;
  if (held) await endSwap(pointer, published, engine);
  return published;
}

async function endSwap(pointer: string, id: string, engine: SearchEngine | undefined): Promise<void> {
  if (engine !== undefined) {
    // For readers other than our API, which asks each build's own index.
    const { alias } = engine;
    await pointAlias(engine, { alias, index: indexOf(id, alias) });
  }
  await forget(pointer);
}

async function forget(pointer: string): Promise<void> {
  await rm(journal(pointer), { force: true });
  await sync(path.dirname(pointer));
}
