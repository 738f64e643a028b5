import type { Column } from './attributes.ts';

/** What a search may be narrowed to; an empty list or undefined does not narrow. */
export interface Filters {
  readonly vocabulary_id?: readonly string[];
  readonly exclude_vocabulary_id?: readonly string[];
  readonly domain_id?: readonly string[];
  readonly concept_class_id?: readonly string[];
  /** `S`, `C`, or `none` for source concepts. */
  readonly standard_concept?: readonly string[];
  /** True: only concepts without an invalid_reason; false: only those with one. */
  readonly valid?: boolean;
}

/** The attributes of every term row, packed, so that a filter becomes a byte mask in well under a millisecond. */
export interface RowAttributes {
  readonly count: number;
  /** One byte a row, 1 = passes; undefined where nothing is filtered. */
  mask(filters: Filters): Uint8Array | undefined;
}

/** Filters over packed attributes. */
export function rowAttributes(packed: readonly Column[]): RowAttributes {
  const count = packed[0]?.values.length ?? 0;
  return { count, mask: (filters) => mask(filters, packed, count) };
}

function mask(filters: Filters, packed: readonly Column[], count: number): Uint8Array | undefined {
  const wanted: readonly (readonly string[] | undefined)[] = [
    filters.vocabulary_id,
    filters.domain_id,
    filters.concept_class_id,
    filters.standard_concept,
    filters.valid === undefined ? undefined : [filters.valid ? 'valid' : 'invalid'],
  ];
  let result: Uint8Array | undefined;
  const narrow = (column: Column | undefined, passes: (name: string) => boolean): void => {
    if (column === undefined) return;
    const table = Uint8Array.from(column.names, (name) => (passes(name) ? 1 : 0));
    result ??= new Uint8Array(count).fill(1);
    for (let row = 0; row < count; row++) {
      if (table[column.values[row] ?? 0] === 0) result[row] = 0;
    }
  };
  for (const [index, names] of wanted.entries()) {
    if (names === undefined || names.length === 0) continue;
    const folded = new Set(names.map((name) => name.toLowerCase()));
    narrow(packed[index], (name) => folded.has(name.toLowerCase()));
  }
  if (filters.exclude_vocabulary_id !== undefined && filters.exclude_vocabulary_id.length > 0) {
    const folded = new Set(filters.exclude_vocabulary_id.map((name) => name.toLowerCase()));
    narrow(packed[0], (name) => !folded.has(name.toLowerCase()));
  }
  return result;
}
