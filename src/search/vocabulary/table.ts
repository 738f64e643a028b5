import { checkTally, note, openTally, type Anomalies, type Tally } from './anomalies.ts';
import type { Bundle } from './bundle.ts';
import { carefulLines } from './careful.ts';
import { wholeLines } from './chunks.ts';
import { parseHeader, type Layout } from './header.ts';
import { carefulRecords } from './records.ts';
import type { Reader } from './reader.ts';
import type { Row } from './row.ts';
import { createScanner } from './scan.ts';
import type { ReadableTable } from './tables.ts';

const BATCH = 2_000;
const NEWLINE = 10;

export interface ReadOptions {
  /** Filled as the table is read. */
  readonly anomalies: Anomalies;
}

/**
 * The rows of a table in batches of at most 2,000, each row the table's columns in OMOP's order as strings: dates
 * `YYYY-MM-DD`, empty for null. Rows that cannot be used are skipped and counted in `anomalies`; too many of them, or a
 * file that ends inside a row, is VOCABULARY_ROWS. VOCABULARY_HEADER, VOCABULARY_FILE_MISSING, and the bundle's own errors.
 */
export async function* readTable(
  bundle: Bundle,
  table: ReadableTable,
  { anomalies }: ReadOptions,
): AsyncGenerator<readonly Row[]> {
  const file = `${table}.csv`;
  const tally = openTally(anomalies, table);
  let layout: Layout | undefined;
  let reader: Reader | undefined;
  let above: Row | undefined;
  for await (const { bytes, terminated } of wholeLines(await bundle.stream(table), file)) {
    const start = layout === undefined ? bytes.indexOf(NEWLINE) + 1 || bytes.length : 0;
    layout ??= parseHeader(table, headerLine(bytes));
    reader ??= createReader(layout, tally);
    const body = bytes.subarray(start);
    if (body.length === 0) continue;
    const rows = terminated ? reader.push(body) : lastLine(layout, reader, tally, { body, above });
    above = rows.at(-1) ?? above;
    checkTally(tally, file, false);
    yield* batches(rows);
  }
  if (reader === undefined) parseHeader(table, Buffer.alloc(0));
  else yield* batches(reader.end());
  checkTally(tally, file, true);
}

function headerLine(bytes: Buffer): Buffer {
  const end = bytes.indexOf(NEWLINE);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function* batches(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += BATCH) yield rows.slice(at, at + BATCH);
}

function createReader(layout: Layout, tally: Tally): Reader {
  const careful = layout.delimiter === 'tab' ? carefulLines : carefulRecords;
  return createScanner(layout, tally, careful(layout, tally));
}

/**
 * A last line without its line end is a row like any other only where it reads as one; where it does not, or where its
 * last field is the beginning of the one above, the file was cut there.
 */
function lastLine(
  layout: Layout,
  reader: Reader,
  tally: Tally,
  { body, above }: { readonly body: Buffer; readonly above: Row | undefined },
): readonly Row[] {
  const unusable = tally.lost + tally.excused;
  const rows = [...reader.push(Buffer.concat([body, Buffer.from('\n')])), ...reader.end()];
  const column = layout.targets.findLast((target) => target !== -1)!;
  const ending = rows.at(-1)?.[column] ?? '';
  const full = rows.at(-2)?.[column] ?? above?.[column] ?? '';
  const cut = ending !== '' && ending.length < full.length && full.startsWith(ending);
  const kind = cut || tally.lost + tally.excused > unusable ? 'truncated' : 'no_final_newline';
  note(tally, kind, tally.lines + 1, body);
  return rows;
}
