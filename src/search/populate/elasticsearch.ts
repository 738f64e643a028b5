import { PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import { indexOf, isBuildIndex, markOf, readMark, servingSettings } from '../lexical/elasticsearch-index.ts';
import type { LoadCheckpoint } from './elasticsearch-checkpoint.ts';
import { type Patience, patience as usual } from './elasticsearch-delivery.ts';
import { type EngineBuild, fill } from './elasticsearch-fill.ts';
import { newPace, type Pace } from './elasticsearch-pace.ts';
import { steadily } from './elasticsearch-steady.ts';

export interface LoadOptions {
  readonly progress: Progress;
  readonly checkpoint?: LoadCheckpoint | undefined;
  /** Merge into one segment once it is loaded: slower to load, faster to search. */
  readonly forceMerge?: boolean | undefined;
  /** What happens where the engine refuses concepts for good; without it, the load fails. */
  readonly refused?: 'fail' | 'skip' | undefined;
  readonly patience?: Patience | undefined;
  readonly pace?: Pace | undefined;
}

/** Milliseconds that a second node is waited for. */
const settling = 60_000;

/**
 * Loads a build's concepts into an index of its own, unless that is there, whole and of this format; true where it
 * loaded. A load that was killed goes on where its checkpoint says, if the index still is the one. INDEX_INVALID
 * where documents are refused or the count is not the manifest's.
 */
export async function ensureElasticsearch(
  engine: SearchEngine,
  build: EngineBuild,
  options: LoadOptions,
): Promise<boolean> {
  const { progress, patience = usual, checkpoint, pace = newPace(() => performance.now()) } = options;
  const index = indexOf(build.id, engine.alias);
  const found = await engine.describeIndex(index);
  const mark = found === undefined ? undefined : readMark(found.meta, build);
  if (mark?.complete === true && (await engine.count(index)) === build.concepts - mark.refused) return false;
  // What claims to be complete and is not has lost documents anywhere.
  const resumable = mark?.complete === false ? found : undefined;
  const { refused } = await fill(engine, build, {
    index,
    resumable,
    pace,
    patience,
    progress,
    checkpoint,
    refused: options.refused,
  });

  const steady = async <T>(work: () => Promise<T>): Promise<T> => await steadily(work, patience);
  progress.say('counting what was loaded into Elasticsearch');
  await steady(async () => {
    await engine.refresh(index);
  });
  const count = await steady(async () => await engine.count(index));
  if (count !== build.concepts - refused) throw await miscounted(engine, build, { index, count, refused });
  if (options.forceMerge === true) {
    progress.say('merging the index in Elasticsearch');
    await steady(async () => {
      await engine.forceMerge(index);
    });
  }
  await steady(async () => {
    await engine.flush(index);
    await engine.changeIndex(index, { settings: servingSettings });
  });
  await steady(async () => await engine.settle(index, settling));
  await steady(async () => {
    await engine.changeIndex(index, { meta: markOf(build, { complete: true, refused }) });
  });
  return true;
}

/** The index is taken away, so that the next load starts over and does not go on behind a gap. */
async function miscounted(
  engine: SearchEngine,
  build: EngineBuild,
  {
    index,
    count,
    refused,
  }: { readonly index: string; readonly count: number | undefined; readonly refused: number },
): Promise<PortiereError> {
  await engine.deleteIndex(index);
  const without = refused === 0 ? '' : ` without the ${refused} that it refused`;
  return new PortiereError(
    'INDEX_INVALID',
    `The index ${index} in Elasticsearch holds ${count ?? 0} concepts, the build ${build.concepts - refused}${without}.`,
    { hint: 'It was not published. Run the same command again: the index is loaded anew.' },
  );
}

/** Deletes the indices of all but the newest `keep` builds and those named in `also`. */
export async function pruneElasticsearch(
  engine: SearchEngine,
  { keep, also }: { readonly keep: number; readonly also: readonly (string | undefined)[] },
): Promise<readonly string[]> {
  const builds = (await engine.listIndices(`${engine.alias}-`))
    .filter((name) => isBuildIndex(name, engine.alias))
    .toSorted();
  const kept = new Set(also.map((id) => (id === undefined ? undefined : indexOf(id, engine.alias))));
  const old = builds.slice(0, Math.max(0, builds.length - keep)).filter((name) => !kept.has(name));
  for (const name of old) await engine.deleteIndex(name);
  return old;
}
