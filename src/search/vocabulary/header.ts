import { PortiereError } from '../../errors.ts';
import { splitQuoted } from './quoted.ts';
import { columnsOf, type Column, type ReadableTable } from './tables.ts';

/** How the rows of one file are laid out. */
export interface Layout {
  readonly table: ReadableTable;
  readonly delimiter: 'tab' | 'comma';
  /** Lines end in CR LF. */
  readonly crlf: boolean;
  /** Our columns, in our order. */
  readonly columns: readonly Column[];
  /** For each field of the file, the index of our column, or -1 for one we do not know. */
  readonly targets: readonly number[];
}

/** Reads a header line (without its line end's LF); columns in any order and case, more than ours allowed. VOCABULARY_HEADER. */
export function parseHeader(table: ReadableTable, line: Buffer): Layout {
  const text = line.toString('utf8').replace(/^\uFEFF/, '');
  const crlf = text.endsWith('\r');
  const delimiter = text.includes('\t') || !text.includes(',') ? 'tab' : 'comma';
  const found = fieldsOf(crlf ? text.slice(0, -1) : text, delimiter);
  const columns = columnsOf[table];
  const targets = found.map((name) => columns.findIndex((column) => column.name === name));
  const missing = columns.filter(({ name }) => !found.includes(name)).map(({ name }) => name);
  const twice = columns.filter((_, index) => targets.filter((target) => target === index).length > 1);
  if (missing.length > 0) {
    throw unusable(
      table,
      found,
      `has no header line with ${missing.length === 1 ? 'the column' : 'the columns'} ${missing.join(', ')}`,
    );
  }
  if (twice.length > 0) throw unusable(table, found, `names the column ${twice[0]!.name} twice`);
  return { table, delimiter, crlf, columns, targets };
}

function fieldsOf(text: string, delimiter: Layout['delimiter']): readonly string[] {
  const fields = delimiter === 'tab' ? text.split('\t') : (splitQuoted(text) ?? text.split(','));
  return fields.map((field) =>
    field
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .toLowerCase(),
  );
}

function unusable(table: ReadableTable, found: readonly string[], what: string): PortiereError {
  const expected = columnsOf[table].map(({ name }) => name).join(', ');
  const seen = JSON.stringify(found.join(', ').slice(0, 200));
  return new PortiereError(
    'VOCABULARY_HEADER',
    `${table}.csv ${what}: expected ${expected}; found ${seen}.`,
    {
      hint: 'Use the files of an Athena download as they are: tab-separated, first line the column names, UTF-8.',
    },
  );
}
