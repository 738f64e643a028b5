import { note, type Tally } from './anomalies.ts';
import type { Careful } from './careful.ts';
import type { Layout } from './header.ts';
import { splitQuoted } from './quoted.ts';
import { readRow, type Line, type Row } from './row.ts';

const QUOTE = 34;
/** A name runs over a few lines at most; beyond that, a quote was left open. */
const MOST_LINES = 20;

/**
 * Reads the lines of comma files, whose records may go on in the next line. Where a quote is left open, or closing it
 * gives no row, only the line it stands on is lost: the lines after it are read afresh, so that no stray quote
 * swallows rows.
 */
export function carefulRecords(layout: Layout, tally: Tally): Careful {
  let waiting: Line[] = [];

  function drain(atEnd: boolean): Row[] {
    const rows: Row[] = [];
    let first = 0;
    while (first < waiting.length) {
      const length = recordLength(layout, waiting, first);
      if (length === undefined && !atEnd && waiting.length - first < MOST_LINES) break;
      const row =
        length === undefined ? unread(waiting[first]!) : readRow(layout, tally, join(waiting, first, length));
      if (row !== undefined) rows.push(row);
      tally.lines += length ?? 1;
      tally.continued += (length ?? 1) - 1;
      first += length ?? 1;
    }
    waiting = waiting.slice(first);
    return rows;
  }

  function unread(line: Line): undefined {
    note(tally, 'bad_quotes', line.number, line.bytes);
  }

  return {
    waits: () => waiting.length > 0,
    take(line) {
      waiting.push(line);
      return drain(false);
    },
    end: () => drain(true),
  };
}

/** How many lines from `first` make a record: 1 unless its quotes are open; undefined where they never close. */
function recordLength(layout: Layout, lines: readonly Line[], first: number): number | undefined {
  let open = false;
  for (let length = 1; length <= MOST_LINES && first + length <= lines.length; length += 1) {
    if (hasOddQuotes(lines[first + length - 1]!.bytes)) open = !open;
    if (open) continue;
    if (length === 1) return 1;
    const fields = splitQuoted(join(lines, first, length).bytes.toString('utf8'));
    return fields?.length === layout.targets.length ? length : undefined;
  }
  return undefined;
}

function join(lines: readonly Line[], first: number, length: number): Line {
  const line = lines[first]!;
  if (length === 1) return line;
  const pieces = lines.slice(first, first + length).flatMap(({ bytes }) => [bytes, Buffer.from('\n')]);
  return { bytes: Buffer.concat(pieces.slice(0, -1)), number: line.number };
}

function hasOddQuotes(bytes: Buffer): boolean {
  let odd = false;
  // A line has many: looking at each byte here is sooner done than asking for the next quote.
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === QUOTE) odd = !odd;
  return odd;
}
