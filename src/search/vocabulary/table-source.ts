import type { Readable } from 'node:stream';
import type { TableName } from './tables.ts';

/** Where table bytes come from: an opened folder or zip, before anything has been read. */
export interface TableSource {
  readonly tables: ReadonlyMap<TableName, { readonly size: number }>;
  /** The bytes of one table; the stream fails when they are not what the source declared. */
  stream(table: TableName): Promise<Readable>;
  close(): Promise<void>;
}
