import type { VectorDatabase, VectorRow } from '../../../src/ports/vector-database.ts';

interface Held {
  readonly description: string;
  readonly uuid: string;
  readonly rows: Map<number, VectorRow>;
}

/** A database of vectors in memory that looks at every row; `calls` are the changes that were asked of it. */
export function memoryDatabase(): VectorDatabase & {
  readonly calls: string[];
  readonly collections: Map<string, Held>;
} {
  const collections = new Map<string, Held>();
  const calls: string[] = [];
  let made = 0;
  const of = (name: string): Held => {
    const held = collections.get(name);
    if (held === undefined) throw new Error(`no ${name}`);
    return held;
  };
  return {
    url: 'http://milvus',
    calls,
    collections,
    version: async () => 'v2.4.1',
    async createCollection(name, { description }) {
      made += 1;
      calls.push(`create ${name}`);
      collections.set(name, { description, uuid: String(made), rows: new Map() });
    },
    describeCollection: async (name) => collections.get(name),
    listCollections: async (prefix) => [...collections.keys()].filter((name) => name.startsWith(prefix)),
    async dropCollection(name) {
      if (collections.delete(name)) calls.push(`drop ${name}`);
    },
    async renameCollection(from, to) {
      calls.push(`rename ${from} ${to}`);
      collections.set(to, of(from));
      collections.delete(from);
    },
    async write(name, rows) {
      for (const row of rows) of(name).rows.set(row.id, row);
    },
    async serve(name) {
      calls.push(`serve ${name}`);
    },
    count: async (name) => of(name).rows.size,
    async search(name, { vector, k }) {
      const score = (row: VectorRow): number =>
        row.vector.reduce((sum, value, at) => sum + value * (vector[at] ?? 0), 0);
      const scored = [...of(name).rows.values()].map((row) => ({ id: row.id, score: score(row) }));
      return scored
        .toSorted((one, other) => other.score - one.score)
        .slice(0, k)
        .map(({ id }) => id);
    },
    rows: async (name, { from, to }) => [...of(name).rows.values()].filter(({ id }) => id >= from && id < to),
    async pointAlias(alias, name) {
      calls.push(`point ${alias} ${name}`);
    },
    close: async () => {},
  };
}
