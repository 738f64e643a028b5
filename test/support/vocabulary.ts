import { Readable } from 'node:stream';
import type { Bundle } from '../../src/search/vocabulary/bundle.ts';
import type { TableName } from '../../src/search/vocabulary/tables.ts';

export const conceptHeader =
  'concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason';

/** A line of CONCEPT.csv without its line end; fields by column name replace the usual ones. */
export function conceptLine(id: number | string, fields: Readonly<Record<string, string>> = {}): string {
  const usual: Record<string, string> = {
    concept_id: `${id}`,
    concept_name: `name ${id}`,
    domain_id: 'Condition',
    vocabulary_id: 'SNOMED',
    concept_class_id: 'Disorder',
    standard_concept: 'S',
    concept_code: `c${id}`,
    valid_start_date: '19700101',
    valid_end_date: '20991231',
    invalid_reason: '',
    ...fields,
  };
  return conceptHeader
    .split('\t')
    .map((name) => usual[name])
    .join('\t');
}

/** A bundle of tables in memory, handed out in pieces of `piece` bytes. */
export function memoryBundle(
  tables: Partial<Record<TableName, string | Buffer>>,
  piece = Number.POSITIVE_INFINITY,
): Bundle {
  const bytes = new Map(Object.entries(tables).map(([name, text]) => [name as TableName, Buffer.from(text)]));
  return {
    path: 'memory',
    kind: 'folder',
    tables: new Map([...bytes].map(([name, { length }]) => [name, { size: length }])),
    stream: (table) => Promise.resolve(Readable.from(pieces(bytes.get(table)!, piece))),
    digest: () => Promise.resolve('0'.repeat(64)),
    survey: () => Promise.resolve({ digest: '0'.repeat(64), rows: new Map() }),
    close: () => Promise.resolve(),
  };
}

function* pieces(bytes: Buffer, piece: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** Everything an async iterable of batches gives, in one array. */
export async function gather<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
