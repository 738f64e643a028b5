import { hasCode, PortiereError } from '../../errors.ts';
import type { VectorDatabase, VectorRow } from '../../ports/vector-database.ts';
import type { GraphShape } from '../stores/graph-shape.ts';
import {
  collectionFields,
  collectionOf,
  collectionRow,
  isBuildCollection,
  milvusVectors,
  nearestIn,
} from '../stores/milvus-vectors.ts';
import { storedRows } from '../stores/stored-rows.ts';
import { noting } from './elasticsearch-checkpoint.ts';
import { type Patience, patience as usual } from './elasticsearch-delivery.ts';
import { steadily } from './elasticsearch-steady.ts';
import { requireSupported } from './milvus-version.ts';
import { notHeld } from './not-held.ts';
import { requireSelfFound } from './self-found.ts';
import type { VectorBuild, VectorLoad, VectorLoader } from './vector-loader.ts';

/** Version of the fields; a collection of another one is loaded anew. */
const format = 1;
/** Numbers in a batch: about 8 MB of vectors. */
const numbersAtOnce = 2_000_000;
const rowsRead = 500;

/**
 * Vectors in Milvus: a collection a build, under a name of its own until it is proved, so that one under its
 * build's name is whole and sound. `prefix` begins every name.
 */
export function milvusVectorLoader(
  database: VectorDatabase,
  { prefix, graph, patience = usual }: MilvusOptions,
): VectorLoader {
  const store = milvusVectors(database, prefix, graph);
  const nameOf = (buildId: string): string => collectionOf(buildId, prefix);
  const steady = async <T>(work: () => Promise<T>): Promise<T> => await steadily(work, patience);
  const count = async (buildId: string): Promise<number | undefined> => {
    const found = await database.describeCollection(nameOf(buildId));
    return found === undefined ? undefined : await database.count(nameOf(buildId));
  };
  /** One that somebody released from memory is loaded into it again. */
  const countServed = async (name: string): Promise<number> =>
    await database.count(name).catch(async (error: unknown) => {
      if (!hasCode(error, 'SEARCH_ENGINE_REFUSED')) throw error;
      await database.serve(name, graph);
      return await database.count(name);
    });
  return {
    store,
    count,
    async ensure(build, load) {
      const name = nameOf(build.id);
      const description = describe(build, graph);
      const found = await database.describeCollection(name);
      if (
        found?.description === description &&
        (await steady(async () => await countServed(name))) === build.vectors
      )
        return false;
      requireSupported(await steady(async () => await database.version()), database.url);
      const loading = `${name}_loading`;
      await fill(build, load, { database, loading, description, steady });
      load.progress.say('building the graph in Milvus');
      await steady(async () => {
        await database.serve(loading, graph);
      });
      await prove(build, { database, loading, graph, steady }).catch(async (error: unknown) => {
        const unsound = hasCode(error, 'INDEX_INVALID');
        if (unsound) await database.dropCollection(loading);
        throw error;
      });
      await steady(async () => {
        // It is gone where it was renamed, and the answer lost.
        if ((await database.describeCollection(loading)) === undefined) return;
        await database.dropCollection(name);
        await database.renameCollection(loading, name);
      });
      return true;
    },
    async verify(build) {
      const name = nameOf(build.id);
      const held = await count(build.id);
      if (held !== build.vectors)
        throw notHeld(
          `The collection ${name} in Milvus holds ${held ?? 0} vectors, the build ${build.vectors}.`,
        );
      for (const rows of batches(build, undefined, rowsRead)) {
        const [first = { id: 0 }, last = { id: -1 }] = [rows[0], rows.at(-1)];
        const there = await database.rows(name, { from: first.id, to: last.id + 1 });
        if (JSON.stringify(there.map(inOrder)) !== JSON.stringify(rows.map(inOrder)))
          throw notHeld(`The collection ${name} in Milvus holds other vectors than the build.`);
      }
    },
    async drop(buildId) {
      for (const name of [nameOf(buildId), `${nameOf(buildId)}_loading`]) await database.dropCollection(name);
    },
    async announce(buildId) {
      await database.pointAlias(prefix, nameOf(buildId));
    },
    async prune({ keep, also }) {
      const names = (await database.listCollections(`${prefix}_`)).filter((name) =>
        isBuildCollection(name, prefix),
      );
      const whole = names.filter((name) => !name.endsWith('_loading'));
      const kept = new Set([
        ...whole.slice(-keep),
        ...also.flatMap((id) => (id === undefined ? [] : [nameOf(id)])),
      ]);
      const old = names.filter((name) => !kept.has(name));
      for (const name of old) await database.dropCollection(name);
      return old;
    },
  };
}

export interface MilvusOptions {
  readonly prefix: string;
  readonly graph: GraphShape;
  readonly patience?: Patience | undefined;
}

interface Filling {
  readonly database: VectorDatabase;
  readonly loading: string;
  readonly description: string;
  readonly steady: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Writes every row that a killed load did not; a row that is written twice is there once. */
async function fill(
  build: VectorBuild,
  { progress, checkpoint }: VectorLoad,
  { database, loading, description, steady }: Filling,
): Promise<void> {
  const before = await database.describeCollection(loading);
  const point = before?.description === description ? await checkpoint?.load() : undefined;
  const resumed = point?.index === loading && point.uuid === before?.uuid ? point.upTo : undefined;
  if (resumed === undefined) {
    await database.dropCollection(loading);
    const { dimension } = build.header;
    await database.createCollection(loading, { dimension, description, ...collectionFields });
  }
  const { uuid = '' } = (await database.describeCollection(loading)) ?? {};
  let written = resumed === undefined ? 0 : resumed + 1;
  await noting(checkpoint, async (note) => {
    for (const rows of batches(build, resumed, Math.ceil(numbersAtOnce / build.header.dimension))) {
      await steady(async () => {
        await database.write(loading, rows);
      });
      written += rows.length;
      note({ index: loading, uuid, upTo: rows.at(-1)?.id ?? 0 });
      progress.update(Math.min(written, build.vectors), build.vectors, 'vectors loaded into Milvus');
    }
  });
}

/** INDEX_INVALID unless a collection that was loaded holds as many vectors as its build, and they are found. */
async function prove(
  build: VectorBuild,
  { database, loading, graph, steady }: Omit<Filling, 'description'> & { readonly graph: GraphShape },
): Promise<void> {
  const held = await steady(async () => await database.count(loading));
  if (held !== build.vectors)
    throw new PortiereError(
      'INDEX_INVALID',
      `The collection ${loading} in Milvus holds ${held} vectors, the build ${build.vectors}.`,
      { hint: 'It was not published. Run the same command again: it is loaded anew.' },
    );
  await steady(async () => {
    await requireSelfFound(
      'milvus',
      build,
      async (question) => await nearestIn(database, loading, question, graph),
    );
  });
}

function* batches(build: VectorBuild, after: number | undefined, most: number): Generator<VectorRow[]> {
  let rows: VectorRow[] = [];
  for (const stored of storedRows(build, after === undefined ? 0 : after + 1)) {
    rows.push(collectionRow(stored));
    if (rows.length < most) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

function describe({ id, header, vectors }: VectorBuild, { m, efConstruction }: GraphShape): string {
  const { dimension } = header;
  return JSON.stringify({
    portiere: { format, build: id, vectors, dimension, m, ef_construction: efConstruction },
  });
}

/** The fields of a row in an order of ours, its numbers as float32. */
function inOrder({ id, attributes, vector }: VectorRow): unknown {
  const entries = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [id, entries, [...Float32Array.from(vector)]];
}
