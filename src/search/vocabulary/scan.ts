import { isUtf8 } from 'node:buffer';
import type { Tally } from './anomalies.ts';
import type { Careful } from './careful.ts';
import { judgeField } from './field.ts';
import type { Layout } from './header.ts';
import type { Reader } from './reader.ts';
import type { Row } from './row.ts';
import type { ColumnKind } from './tables.ts';

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;
const COMMA = 44;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
/** Ids of up to 15 digits are safe integers without looking closer. */
const SAFE_DIGITS = 15;
/** V8 copies substrings up to this length; a longer one would keep the whole chunk's text alive. */
const COPIED = 12;
const REMEMBERED = 4_096;

const SKIPPED = 0;
const NUMBER = 1;
const TEXT = 2;
const REPEATED = 3;
const waysToRead = {
  id: NUMBER,
  count: NUMBER,
  name: TEXT,
  code: TEXT,
  term: REPEATED,
  date: REPEATED,
  standard: REPEATED,
  reason: REPEATED,
} as const satisfies Record<ColumnKind, number>;

/**
 * A scanner for a file of tabs, or of commas and quotes. It goes over bytes once and takes only what is beyond doubt,
 * comparing fields that tend to repeat with the row above; any line with something odd in it, or that goes on with
 * such a one, is read carefully.
 */
export function createScanner(layout: Layout, tally: Tally, careful: Careful): Reader {
  const comma = layout.delimiter === 'comma';
  const delimiter = comma ? COMMA : TAB;
  const fields = layout.targets.length;
  const blank = layout.columns.map(() => '');
  const targets = Int32Array.from(layout.targets);
  const columns = layout.targets.map((target) => layout.columns[target]);
  const ways = Uint8Array.from(columns, (column) =>
    column === undefined ? SKIPPED : waysToRead[column.kind],
  );
  const longest = Int32Array.from(columns, (column) => column?.max ?? 0);
  const optional = columns.map((column) => column?.required === false);
  const known = columns.map(() => new Map<string, string>());
  const runs = runsOf(ways);
  // Where in the chunk the row above had each repeating field, its length (with quotes and CR; -1: unknown), and what it read as.
  const aboveAt = new Int32Array(fields);
  const aboveLength = new Int32Array(fields);
  const aboveValue: string[] = Array.from({ length: fields }, () => '');
  /** Number of the line that comes; 1 is the header. */
  let next = 2;

  /** The reading of a repeating field not met on the row above, or undefined where it needs a closer look. */
  function learn(field: number, value: string): string | undefined {
    const before = known[field]!.get(value);
    if (before !== undefined) return before;
    const judged = judgeField(columns[field]!, value);
    if ('fault' in judged || judged.warn !== undefined) return undefined;
    if (known[field]!.size >= REMEMBERED) known[field]!.clear();
    known[field]!.set(value, judged.value);
    return judged.value;
  }

  function push(chunk: Buffer): Row[] {
    const rows: Row[] = [];
    const sound = isUtf8(chunk);
    const text = chunk.toString('latin1');
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    aboveLength.fill(-1);
    for (let at = 0; at < chunk.length;) {
      const lineStart = at;
      const row = blank.slice();
      // Beyond the last field: not looked at here.
      let field = careful.waits() ? fields + 1 : 0;
      for (; field < fields; field += 1) {
        const stop = field === fields - 1 ? NEWLINE : delimiter;
        const way = ways[field]!;
        const start = at;
        if (way === REPEATED && aboveLength[field]! >= 0) {
          // The whole run at once where it is the same, else this field alone; the delimiter after it is compared too.
          const above = aboveAt[field]!;
          let last = runs[field]!;
          let end = aboveAt[last]! + aboveLength[last]! + 1;
          let same = isSame(view, start, above, end - above);
          if (!same && last !== field) {
            last = field;
            end = above + aboveLength[field]! + 1;
            same = isSame(view, start, above, end - above);
          }
          if (same) {
            for (; field <= last; field += 1) {
              row[targets[field]!] = aboveValue[field]!;
              aboveAt[field]! += start - above;
            }
            field = last;
            at += end - above;
            continue;
          }
        }
        const quoted = comma && chunk[at] === QUOTE;
        if (quoted) at += 1;
        const inner = at;
        let seen = 0;
        let byte = chunk[at]!;
        if (way === NUMBER) {
          while (byte >= DIGIT_0 && byte <= DIGIT_9) byte = chunk[(at += 1)]!;
        } else if (quoted) {
          while (byte >= 32 && byte !== QUOTE) {
            seen |= byte;
            byte = chunk[(at += 1)]!;
          }
        } else if (comma) {
          while (byte >= 32 && byte !== QUOTE && byte !== COMMA) {
            seen |= byte;
            byte = chunk[(at += 1)]!;
          }
        } else {
          while (byte >= 32) {
            seen |= byte;
            byte = chunk[(at += 1)]!;
          }
        }
        const innerEnd = at;
        if (quoted) {
          if (byte !== QUOTE) break;
          byte = chunk[(at += 1)]!;
        }
        if (byte === RETURN && stop === NEWLINE && layout.crlf) byte = chunk[(at += 1)]!;
        if (byte !== stop || (seen >= 128 && !sound) || (!comma && chunk[start] === QUOTE)) break;
        const length = innerEnd - inner;
        if (way === NUMBER) {
          if (length === 0 || length > SAFE_DIGITS || (length > 1 && chunk[inner] === DIGIT_0)) break;
          row[targets[field]!] = decode(chunk, text, inner, innerEnd, 0);
        } else if (way === TEXT) {
          const plain = length <= longest[field]! && chunk[inner]! > 32 && chunk[inner]! < 128;
          if (length === 0 ? !optional[field]! : !plain) break;
          row[targets[field]!] = decode(chunk, text, inner, innerEnd, seen);
        } else if (way === REPEATED) {
          const value = learn(field, decode(chunk, text, inner, innerEnd, seen));
          if (value === undefined) break;
          aboveAt[field] = start;
          aboveLength[field] = at - start;
          aboveValue[field] = value;
          row[targets[field]!] = value;
        }
        at += 1;
      }
      if (field === fields) {
        tally.rows += 1;
        tally.lines += 1;
        rows.push(row);
      } else {
        const end = chunk.indexOf(NEWLINE, at);
        aboveLength.fill(-1);
        rows.push(...careful.take({ bytes: chunk.subarray(lineStart, end), number: next }));
        at = end + 1;
      }
      next += 1;
    }
    return rows;
  }

  return { push, end: () => careful.end() };
}

/** For each repeating field, the last of the repeating fields that follow it without another between. */
function runsOf(ways: Uint8Array): Int32Array {
  const runs = new Int32Array(ways.length);
  for (let field = ways.length - 1; field >= 0; field -= 1) {
    runs[field] = ways[field] === REPEATED && ways[field + 1] === REPEATED ? runs[field + 1]! : field;
  }
  return runs;
}

function isSame(view: DataView, a: number, b: number, length: number): boolean {
  if (a + length > view.byteLength) return false;
  let at = 0;
  for (; at + 4 <= length; at += 4) if (view.getInt32(a + at) !== view.getInt32(b + at)) return false;
  for (; at < length; at += 1) if (view.getInt8(a + at) !== view.getInt8(b + at)) return false;
  return true;
}

/** `seen` is every byte of the field or-ed together: below 128, the field is ASCII and `text` has it. */
function decode(chunk: Buffer, text: string, start: number, end: number, seen: number): string {
  if (seen >= 128) return chunk.toString('utf8', start, end);
  return end - start <= COPIED ? text.substring(start, end) : chunk.toString('latin1', start, end);
}
