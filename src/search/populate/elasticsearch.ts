import { PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { SearchEngine } from '../../ports/search-engine.ts';
import { type Copies, copySettings } from '../lexical/elasticsearch-copies.ts';
import { indexOf, isBuildIndex } from '../lexical/elasticsearch-index.ts';
import { markOf, readMark } from '../lexical/elasticsearch-mark.ts';
import { type Cargo, conceptCargo, type EngineBuild } from './elasticsearch-cargo.ts';
import type { LoadCheckpoint } from './elasticsearch-checkpoint.ts';
import { type Patience, patience as usual } from './elasticsearch-delivery.ts';
import { fill } from './elasticsearch-fill.ts';
import { newPace, type Pace } from './elasticsearch-pace.ts';
import { steadily } from './elasticsearch-steady.ts';

export interface LoadOptions {
  readonly progress: Progress;
  readonly checkpoint?: LoadCheckpoint | undefined;
  /** Merge into one segment once it is loaded: slower to load, faster to search. */
  readonly forceMerge?: boolean | undefined;
  /** What happens where the engine refuses concepts for good; without it, the load fails. */
  readonly refused?: 'fail' | 'skip' | undefined;
  /** Default: auto. */
  readonly copies?: Copies | undefined;
  readonly patience?: Patience | undefined;
  readonly pace?: Pace | undefined;
}

/** Milliseconds that a second node is waited for. */
const settling = 60_000;

/** Loads a build's concepts into an index of its own, as `ensureCargo` does. */
export async function ensureElasticsearch(
  engine: SearchEngine,
  build: EngineBuild,
  options: LoadOptions,
): Promise<boolean> {
  return await ensureCargo(engine, conceptCargo(build, engine.alias), options);
}

/**
 * Loads a cargo into its index, unless that is there, whole and made of the same; true where it loaded. A load that
 * was killed goes on where its checkpoint says, if the index still is the one. INDEX_INVALID where documents are
 * refused or the count is not the cargo's.
 */
export async function ensureCargo(
  engine: SearchEngine,
  cargo: Cargo,
  options: LoadOptions,
): Promise<boolean> {
  const { progress, patience = usual, checkpoint, pace = newPace(() => performance.now()) } = options;
  const { copies = 'auto' } = options;
  const { index, identity, documents } = cargo;
  const found = await engine.describeIndex(index);
  const mark = found === undefined ? undefined : readMark(found.meta, identity);
  if (mark?.complete === true && (await engine.count(index)) === documents - mark.refused) {
    await engine.changeIndex(index, { settings: { index: copySettings(copies) } });
    return false;
  }
  // What claims to be complete and is not has lost documents anywhere.
  const resumable = mark?.complete === false ? found : undefined;
  const { refused } = await fill(engine, cargo, {
    resumable,
    pace,
    patience,
    progress,
    checkpoint,
    refused: options.refused,
    copies,
  });

  const steady = async <T>(work: () => Promise<T>): Promise<T> => await steadily(work, patience);
  progress.say('counting what was loaded into Elasticsearch');
  await steady(async () => {
    await engine.refresh(index);
  });
  const count = await steady(async () => await engine.count(index));
  if (count !== documents - refused) throw await miscounted(engine, cargo, { count, refused });
  if (options.forceMerge === true) {
    progress.say('merging the index in Elasticsearch');
    await steady(async () => {
      await engine.forceMerge(index);
    });
  }
  await steady(async () => {
    await engine.flush(index);
    await engine.changeIndex(index, {
      settings: { index: { refresh_interval: null, ...copySettings(copies) } },
    });
  });
  await steady(async () => await engine.settle(index, settling));
  await steady(async () => {
    await cargo.check?.();
  });
  await steady(async () => {
    await engine.changeIndex(index, { meta: markOf(identity, { complete: true, refused }) });
  });
  return true;
}

/** The index is taken away, so that the next load starts over and does not go on behind a gap. */
async function miscounted(
  engine: SearchEngine,
  { index, documents, unit: [, several] }: Cargo,
  { count, refused }: { readonly count: number | undefined; readonly refused: number },
): Promise<PortiereError> {
  await engine.deleteIndex(index);
  const without = refused === 0 ? '' : ` without the ${refused} that it refused`;
  return new PortiereError(
    'INDEX_INVALID',
    `The index ${index} in Elasticsearch holds ${count ?? 0} ${several}, the build ${documents - refused}${without}.`,
    { hint: 'It was not published. Run the same command again: the index is loaded anew.' },
  );
}

/** Deletes the indices, of words and of vectors, of all but the newest `keep` builds and those named in `also`. */
export async function pruneElasticsearch(
  engine: SearchEngine,
  { keep, also }: { readonly keep: number; readonly also: readonly (string | undefined)[] },
): Promise<readonly string[]> {
  const indices = (await engine.listIndices(`${engine.alias}-`)).filter((name) =>
    isBuildIndex(name, engine.alias),
  );
  const builds = [...new Set(indices.map(withoutSuffix))].toSorted();
  const kept = new Set([
    ...builds.slice(-keep),
    ...also.flatMap((id) => (id === undefined ? [] : [indexOf(id, engine.alias)])),
  ]);
  const old = indices.filter((name) => !kept.has(withoutSuffix(name)));
  for (const name of old) await engine.deleteIndex(name);
  return old;
}

function withoutSuffix(index: string): string {
  return index.replace(/-vectors$/, '');
}
