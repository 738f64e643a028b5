import { PortiereError } from '../../errors.ts';

export type CopyValue = string | number | null;

const special = /[\b\t\n\v\f\r\\]/;
const escapes: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
};

/** Rows in PostgreSQL's COPY text format (UTF-8): tab between values, LF after a row, `\N` for null, backslash escapes. */
export function encodeCopyRows(rows: readonly (readonly CopyValue[])[]): Buffer {
  let text = '';
  for (const row of rows) {
    for (const [index, value] of row.entries()) text += index === 0 ? encode(value) : `\t${encode(value)}`;
    text += '\n';
  }
  return Buffer.from(text, 'utf8');
}

/** A stream of batches of rows as a stream of COPY text, one Buffer per batch. */
export async function* copyText(
  batches: AsyncIterable<readonly (readonly CopyValue[])[]>,
): AsyncGenerator<Buffer> {
  for await (const rows of batches) yield encodeCopyRows(rows);
}

function encode(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    if (value.includes('\0')) throw unwritable('text with a NUL character');
    return special.test(value) ? value.replaceAll(/[\b\t\n\v\f\r\\]/g, (one) => escapes[one]!) : value;
  }
  if (!Number.isFinite(value)) throw unwritable(`the number ${value}`);
  return String(value);
}

function unwritable(what: string): PortiereError {
  return new PortiereError('BUG', `PostgreSQL cannot hold ${what}: it should not have come this far.`, {
    hint: 'Please report this with the command that led here.',
  });
}
