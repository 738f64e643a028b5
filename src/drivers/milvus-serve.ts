import { PortiereError } from '../errors.ts';
import type { Ask } from './milvus-ask.ts';

/** What is asked of the client to serve a collection. */
export interface ServingClient {
  createIndex(index: CollectionIndex): Promise<object>;
  flush(request: {
    readonly collection_names: string[];
    readonly timeout: number;
  }): Promise<{ readonly coll_segIDs: Readonly<Record<string, { readonly data: number[] }>> }>;
  getFlushState(request: { readonly segmentIDs: number[] }): Promise<{ readonly flushed: boolean }>;
  loadCollectionAsync(request: {
    readonly collection_name: string;
    readonly timeout: number;
  }): Promise<object>;
  getLoadingProgress(request: { readonly collection_name: string }): Promise<{ readonly progress: string }>;
}

export interface CollectionIndex {
  readonly collection_name: string;
  readonly field_name: string;
  readonly index_name: string;
  readonly index_type: string;
  readonly metric_type: string;
  readonly params: Readonly<Record<string, number>>;
}

/** Milliseconds that flushing and loading may each take, and between two looks at how far they are. */
export interface ServingPace {
  readonly most: number;
  readonly pause: number;
}

const usual: ServingPace = { most: 3_600_000, pause: 300 };

/**
 * Puts a collection on disk, builds its graph and loads it for searching; may be repeated. The client's own way to
 * wait for it asks for ever, also where the answer is an error.
 */
export async function serveCollection(
  client: ServingClient,
  ask: Ask,
  index: CollectionIndex,
  pace: ServingPace = usual,
): Promise<void> {
  const { collection_name } = index;
  await ask(`build the graph of ${collection_name}`, async () => await client.createIndex(index));
  const flush = { collection_names: [collection_name], timeout: pace.most };
  const flushed = await ask(`flush ${collection_name}`, async () => await client.flush(flush));
  const segmentIDs = Object.values(flushed.coll_segIDs).flatMap(({ data }) => data);
  await waitFor(`flush ${collection_name}`, pace, async (what) => {
    const state = await ask(what, async () => await client.getFlushState({ segmentIDs }));
    return state.flushed;
  });
  const load = { collection_name, timeout: pace.most };
  await ask(`load ${collection_name}`, async () => await client.loadCollectionAsync(load));
  await waitFor(`load ${collection_name}`, pace, async (what) => {
    const { progress } = await ask(what, async () => await client.getLoadingProgress({ collection_name }));
    return Number(progress) >= 100;
  });
}

async function waitFor(
  what: string,
  { most, pause }: ServingPace,
  isDone: (what: string) => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + most;
  while (!(await isDone(what))) {
    if (performance.now() > end)
      throw new PortiereError('SEARCH_ENGINE_UNREACHABLE', `Milvus does not ${what} in time.`, {
        hint: 'See its log, and that it has memory and disk for the collection; then run the same command again.',
      });
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
}
