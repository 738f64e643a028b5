import type { DescribeCollectionResponse, FieldType, MilvusClient } from '@zilliz/milvus2-sdk-node';

import { hasCode, PortiereError } from '../errors.ts';
import type {
  CollectionShape,
  VectorDatabase,
  VectorDatabases,
  VectorRow,
} from '../ports/vector-database.ts';
import { askOf, isAbsent } from './milvus-ask.ts';
import { refused } from './milvus-errors.ts';
import { serveCollection } from './milvus-serve.ts';

const idField = 'row';
const vectorField = 'vector';
const minute = 60_000;
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

/** The port, spoken through a client that is open. */
export function databaseOver(
  client: MilvusClient,
  sdk: Pick<Sdk, 'ConsistencyLevelEnum' | 'DataType'>,
  url: string,
): VectorDatabase {
  const { Strong, Eventually } = sdk.ConsistencyLevelEnum;
  const ask = askOf(url);
  const describe = async (
    collection_name: string,
    how: { readonly cache?: boolean; readonly timeout?: number } = {},
  ): Promise<DescribeCollectionResponse | undefined> => {
    const call = async (): Promise<DescribeCollectionResponse> =>
      await client.describeCollection({ collection_name, ...how });
    const told = await ask(`describe ${collection_name}`, call, { orAbsent: true });
    return isAbsent(told) ? undefined : told;
  };

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
      const told = await describe(name);
      return told && { uuid: told.collectionID, description: told.schema.description };
    },
    async listCollections(prefix) {
      const { data } = await ask('list collections', async () => await client.showCollections());
      return data
        .map(({ name }) => name)
        .filter((name) => name.startsWith(prefix))
        .toSorted();
    },
    async dropCollection(name) {
      const told = await describe(name);
      if (told === undefined) return;
      // From 2.4 on one that has an alias is not dropped.
      for (const alias of told.aliases)
        await ask(`drop the alias ${alias}`, async () => await client.dropAlias({ alias }));
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
      await ask(
        `write to ${name}`,
        async () => await client.upsert({ collection_name: name, data, timeout: minute }),
      );
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
      await serveCollection(client, ask, index);
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
      const end = performance.now() + timeout;
      // Otherwise the client does so by itself, for as long as it likes.
      if ((await describe(name, { cache: true, timeout })) === undefined)
        throw refused('there is none', { url, what: `search ${name}`, quiet: false });
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
        timeout: Math.max(1, Math.round(end - performance.now())),
      };
      const answer = await ask(`search ${name}`, async () => await client.search(question), {
        quiet: true,
      });
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
      await ask(`name ${name} ${alias}`, async () => await client.alterAlias(call)).catch(
        async (error: unknown) => {
          if (!hasCode(error, 'SEARCH_ENGINE_REFUSED') || (await describe(alias)) !== undefined) throw error;
          await ask(`name ${name} ${alias}`, async () => await client.createAlias(call));
        },
      );
    },
    async close() {
      await client.closeConnection().catch(() => undefined);
    },
  };
}

function fieldsOf(
  { DataType: types }: Pick<Sdk, 'DataType'>,
  { dimension, texts, flags }: CollectionShape,
): FieldType[] {
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
