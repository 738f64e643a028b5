import type { Embedder } from '../embed/embedder.ts';
import { search } from '../hybrid/search.ts';
import { type OpenBuild, openPublished, type OpenRequest } from '../index/open.ts';
import { publishedBuild } from '../index/publish.ts';
import { Problem } from './problem.ts';

/** The published build, reopened when another one is published, without dropping a request. */
export interface LiveIndex {
  readonly embedder: Embedder;
  /** Runs with one build from start to end. 503 where none is open. */
  use<T>(work: (build: OpenBuild) => Promise<T>): Promise<T>;
  /** The open build's id, or why there is none. */
  state(): {
    readonly build: string | null;
    /** Of the download that the build was made of. */
    readonly stamp: string | null;
    readonly engine: string | null;
    readonly failure: string | null;
  };
  /** Looks at the pointer now. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface Held {
  readonly build: OpenBuild;
  users: number;
  retired: boolean;
}

const lookEvery = 300;
/** Milliseconds after which a build that could not be opened is tried again: memory or files may be there by then. */
const retryAfter = 20_000;

export async function watchIndex(
  request: OpenRequest,
  onFailure: (error: unknown) => void,
): Promise<LiveIndex> {
  let held: Held | undefined;
  let failure: string | null = null;
  let failed: string | null = null;
  let seen: string | undefined;
  let retryAt = 0;
  let looking: Promise<void> | undefined;

  const look = async (atOnce: boolean): Promise<void> => {
    let id: string | undefined;
    try {
      id = await publishedBuild(request.pointer);
      if (id === undefined && held === undefined) failure = 'no index is published';
      if (id === undefined || (id === failed && performance.now() < retryAt)) return;
      if (id === held?.build.manifest.id) {
        failed = failure = null;
        return;
      }
      // Who has just published it is still busy with the servers that are asked meanwhile: the next look opens it.
      const settled = atOnce || held === undefined || id === seen;
      seen = id;
      if (!settled) return;
      const next = await openPublished({ ...request, gently: held !== undefined });
      if (held !== undefined) await warm(next, request.embedder);
      const before = held;
      held = { build: next, users: 0, retired: false };
      failed = failure = null;
      if (before !== undefined) await retire(before);
    } catch (error) {
      // The build in use keeps answering; a build that cannot be opened is tried again after a while.
      const known = failure;
      failed = id ?? null;
      retryAt = performance.now() + retryAfter;
      failure = (error as Error).message;
      if (failure !== known) onFailure(error);
    }
  };
  const turn = async (atOnce: boolean): Promise<void> => {
    looking ??= look(atOnce).finally(() => {
      looking = undefined;
    });
    await looking;
  };
  const refresh = async (): Promise<void> => {
    await looking;
    await turn(true);
  };
  await refresh();
  const timer = setInterval(() => {
    turn(false).catch(onFailure);
  }, lookEvery);
  timer.unref();

  return {
    embedder: request.embedder,
    async use(work) {
      if (held === undefined) throw new Problem(503, 'no_index', failure ?? 'No index is open yet.');
      const mine = held;
      mine.users += 1;
      try {
        return await work(mine.build);
      } finally {
        mine.users -= 1;
        if (mine.retired && mine.users === 0) await mine.build.close();
      }
    },
    state: () => ({
      build: held?.build.manifest.id ?? null,
      stamp: held?.build.manifest.source.stamp ?? null,
      engine: held?.build.dense.engine ?? null,
      failure,
    }),
    refresh,
    async close() {
      clearInterval(timer);
      await looking;
      const last = held;
      held = undefined;
      if (last !== undefined) await retire(last);
    },
  };
}

/** The first questions to new threads and a new index are slow ones: nobody has to wait for them. */
async function warm(build: OpenBuild, embedder: Embedder): Promise<void> {
  const texts = build.manifest.canaries.slice(0, 2).map(({ text }) => text);
  // What does not answer is told by the searches that miss it.
  for (const q of texts) await search(build, embedder, { q, limit: 1, filters: {} }).catch(() => {});
}

async function retire(held: Held): Promise<void> {
  held.retired = true;
  if (held.users === 0) await held.build.close();
}
