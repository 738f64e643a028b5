import type { FieldType, MilvusClient } from '@zilliz/milvus2-sdk-node';

import { PortiereError } from '../errors.ts';
import type {
  CollectionShape,
  VectorDatabase,
  VectorDatabases,
  VectorRow,
} from '../ports/vector-database.ts';
import { refused, thrownFault } from './milvus-errors.ts';

const idField = 'row';
const vectorField = 'vector';
const hour = 3_600_000;
/** Bytes of a field of text at most. */
const longest = 1_024;

/** Milvus through its own client, over gRPC. */
export const vectorDatabases: VectorDatabases = {
  async connect({ url, token, timeout }) {
    const sdk = await loadPackage();
    // It connects by itself, without being heard: what fails there fails again at the first call.
    const client = new sdk.MilvusClient({
      address: url,
      ...(token === undefined ? {} : { token }),
      timeout,
      maxRetries: 0,
      logLevel: 'silent',
    });
    client.connectPromise?.catch(() => undefined);
    return databaseOver(client, sdk, url);
  },
};

type Sdk = typeof import('@zilliz/milvus2-sdk-node');

async function loadPackage(): Promise<Sdk> {
  try {
    return await import('@zilliz/milvus2-sdk-node');
  } catch (error) {
    throw new PortiereError(
      'PACKAGE_MISSING',
      'Milvus is spoken to by the package @zilliz/milvus2-sdk-node, which cannot be loaded.',
      { hint: 'npm install @zilliz/milvus2-sdk-node', cause: error },
    );
  }
}

interface Status {
  readonly error_code?: string | number;
  readonly reason?: string;
}

function databaseOver(client: MilvusClient, sdk: Sdk, url: string): VectorDatabase {
  const { Strong, Eventually } = sdk.ConsistencyLevelEnum;
  /** Performs a call; `quiet` where its answer may quote what was searched for. */
  const ask = async <Answer extends object>(
    what: string,
    call: () => Promise<Answer>,
    quiet = false,
  ): Promise<Answer> => {
    let answer: Answer;
    try {
      answer = await call();
    } catch (error) {
      throw thrownFault(error, url);
    }
    const status = (('status' in answer ? answer.status : answer) ?? {}) as Status;
    if (status.error_code === 'Success' || status.error_code === undefined) return answer;
    throw refused(url, what, quiet ? undefined : status.reason);
  };
  const exists = async (collection_name: string): Promise<boolean> =>
    (await ask('look for a collection', async () => await client.hasCollection({ collection_name })))
      .value === true;

  return {
    url,
    async version() {
      return (await ask('tell its version', async () => await client.getVersion())).version;
    },
    async createCollection(name, shape) {
      const fields = fieldsOf(sdk, shape);
      await ask(
        `create ${name}`,
        async () =>
          await client.createCollection({
            collection_name: name,
            description: shape.description,
            fields,
            consistency_level: 'Strong',
          }),
      );
    },
    async describeCollection(name) {
      if (!(await exists(name))) return undefined;
      const told = await ask(
        `describe ${name}`,
        async () => await client.describeCollection({ collection_name: name }),
      );
      return { uuid: told.collectionID, description: told.schema.description };
    },
    async listCollections(prefix) {
      const { data } = await ask('list collections', async () => await client.showCollections());
      return data
        .map(({ name }) => name)
        .filter((name) => name.startsWith(prefix))
        .toSorted();
    },
    async dropCollection(name) {
      if (!(await exists(name))) return;
      await ask(`drop ${name}`, async () => await client.dropCollection({ collection_name: name }));
    },
    async renameCollection(from, to) {
      const call = { collection_name: from, new_collection_name: to };
      await ask(`rename ${from}`, async () => await client.renameCollection(call));
    },
    async write(name, rows) {
      const data = rows.map(({ id, attributes, vector }) => ({
        [idField]: id,
        ...attributes,
        [vectorField]: vector,
      }));
      await ask(`write to ${name}`, async () => await client.upsert({ collection_name: name, data }));
    },
    async serve(name, { m, efConstruction }) {
      const index = {
        collection_name: name,
        field_name: vectorField,
        index_name: vectorField,
        index_type: 'HNSW',
        metric_type: 'IP',
        params: { M: m, efConstruction },
      };
      await ask(`build the graph of ${name}`, async () => await client.createIndex(index));
      const call = { collection_names: [name], timeout: hour };
      await ask(`flush ${name}`, async () => await client.flushSync(call));
      await ask(
        `load ${name}`,
        async () => await client.loadCollectionSync({ collection_name: name, timeout: hour }),
      );
    },
    async count(name) {
      const answer = await ask(
        `count ${name}`,
        async () =>
          await client.query({
            collection_name: name,
            filter: '',
            output_fields: ['count(*)'],
            consistency_level: Strong,
          }),
      );
      return Number(answer.data[0]?.['count(*)'] ?? 0);
    },
    async search(name, { vector, k, ef, filter, timeout }) {
      const question = {
        collection_name: name,
        data: [...vector],
        anns_field: vectorField,
        limit: k,
        filter,
        params: { ef },
        metric_type: 'IP',
        output_fields: [idField],
        // Nothing is written to a collection that is searched.
        consistency_level: Eventually,
        timeout,
      };
      const answer = await ask(`search ${name}`, async () => await client.search(question), true);
      const found = answer.results as readonly Readonly<Record<string, unknown>>[];
      return found.map((hit) => Number(hit[idField]));
    },
    async rows(name, { from, to }) {
      const answer = await ask(
        `read ${name}`,
        async () =>
          await client.query({
            collection_name: name,
            filter: `${idField} >= ${from} and ${idField} < ${to}`,
            output_fields: ['*'],
            limit: to - from,
            consistency_level: Strong,
          }),
      );
      return answer.data.map(rowOf).toSorted((one, other) => one.id - other.id);
    },
    async pointAlias(alias, name) {
      const call = { alias, collection_name: name };
      const moved = await client.alterAlias(call).catch(() => undefined);
      if (moved?.error_code !== 'Success')
        await ask(`name ${name} ${alias}`, async () => await client.createAlias(call));
    },
    async close() {
      await client.closeConnection().catch(() => undefined);
    },
  };
}

function fieldsOf({ DataType: types }: Sdk, { dimension, texts, flags }: CollectionShape): FieldType[] {
  return [
    { name: idField, data_type: types.Int64, is_primary_key: true, autoID: false },
    ...texts.map((name) => ({ name, data_type: types.VarChar, max_length: longest })),
    ...flags.map((name) => ({ name, data_type: types.Bool })),
    { name: vectorField, data_type: types.FloatVector, dim: dimension },
  ];
}

function rowOf(read: Readonly<Record<string, unknown>>): VectorRow {
  const { [idField]: id, [vectorField]: vector, ...attributes } = read;
  return { id: Number(id), attributes: attributes as VectorRow['attributes'], vector: vector as number[] };
}
