import { PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { EngineDocument, RefusedDocument, SearchEngine } from '../../ports/search-engine.ts';
import { documentOf, indexBody, indexOf, isBuildIndex } from '../lexical/elasticsearch-index.ts';
import { indexedConcepts } from '../lexical/indexed-concepts.ts';

/** A complete build, as far as it goes into the search engine. */
export interface EngineBuild {
  readonly id: string;
  /** Concepts by its manifest. */
  readonly concepts: number;
  /** Its lexical SQLite file. */
  readonly lexical: string;
}

const batchBytes = 5 * 2 ** 20;
const tries = 5;

/**
 * Loads a build's concepts into an index of its own, unless that is there, whole; true where it loaded. What a
 * killed load left is replaced. INDEX_INVALID where documents are refused or the count is not the manifest's.
 */
export async function ensureElasticsearch(
  engine: SearchEngine,
  build: EngineBuild,
  progress: Progress,
): Promise<boolean> {
  const index = indexOf(build.id, engine.alias);
  if ((await engine.count(index)) === build.concepts) return false;
  await engine.deleteIndex(index);
  await engine.createIndex(index, indexBody);
  let done = 0;
  for (const batch of batches(build.lexical)) {
    await write(engine, index, batch);
    done += batch.length;
    progress.update(done, build.concepts, 'concepts loaded into Elasticsearch');
  }
  await engine.refresh(index);
  const count = await engine.count(index);
  if (count === build.concepts) return true;
  throw new PortiereError(
    'INDEX_INVALID',
    `The index ${index} in Elasticsearch holds ${count ?? 0} concepts, the build ${build.concepts}.`,
    { hint: 'It was not published. Run the same command again: the index is loaded anew.' },
  );
}

/** Deletes the indices of all but the newest `keep` builds and the published one. */
export async function pruneElasticsearch(
  engine: SearchEngine,
  { published, keep }: { readonly published: string; readonly keep: number },
): Promise<readonly string[]> {
  const builds = (await engine.listIndices(`${engine.alias}-`))
    .filter((name) => isBuildIndex(name, engine.alias))
    .toSorted();
  const old = builds
    .slice(0, Math.max(0, builds.length - keep))
    .filter((name) => name !== indexOf(published, engine.alias));
  for (const name of old) await engine.deleteIndex(name);
  return old;
}

function* batches(lexical: string): Generator<EngineDocument[]> {
  let batch: EngineDocument[] = [];
  let bytes = 0;
  for (const concept of indexedConcepts(lexical)) {
    const json = documentOf(concept);
    batch.push({ id: String(concept.concept_id), json });
    bytes += Buffer.byteLength(json);
    if (bytes < batchBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Writes a batch; documents that the engine was too busy for are sent again, a few times. */
async function write(engine: SearchEngine, index: string, batch: readonly EngineDocument[]): Promise<void> {
  let left = batch;
  for (let attempt = 1; ; attempt += 1) {
    const refused = await engine.bulk(index, left);
    if (refused.length === 0) return;
    const lasting = refused.filter(({ status }) => status !== 429 && status !== 503);
    if (lasting.length > 0 || attempt === tries)
      throw notTaken(index, lasting.length > 0 ? lasting : refused);
    const again = new Set(refused.map(({ id }) => id));
    left = left.filter(({ id }) => again.has(id));
    await new Promise((resolve) => {
      setTimeout(resolve, 200 * 2 ** attempt);
    });
  }
}

function notTaken(index: string, refused: readonly RefusedDocument[]): PortiereError {
  const told = refused.slice(0, 5).map(({ id, reason }) => `concept ${id}: ${reason}`);
  return new PortiereError(
    'INDEX_INVALID',
    `Elasticsearch refused ${refused.length} concepts of ${index}: ${told.join('; ')}.`,
    { hint: 'It was not published. Mend the cause and run the same command again.' },
  );
}
