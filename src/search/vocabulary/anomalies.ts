import { PortiereError } from '../../errors.ts';
import type { ReadableTable } from './tables.ts';

/** What happens to a row with each anomaly: `kept` as read or mended, `lost` (skipped), or `excused` (skipped, not held against the file). */
export const anomalyKinds = {
  too_few_fields: 'lost',
  too_many_fields: 'lost',
  blank_line: 'lost',
  invalid_utf8: 'lost',
  nul: 'lost',
  bad_id: 'lost',
  bad_date: 'lost',
  bad_standard_concept: 'lost',
  bad_invalid_reason: 'lost',
  bad_quotes: 'lost',
  empty_name: 'lost',
  empty_field: 'lost',
  unnamed_cpt4: 'excused',
  too_long: 'kept',
  quotes_unwrapped: 'kept',
  carriage_return: 'kept',
  no_final_newline: 'kept',
  // Of the file, not of a row: the row itself is counted under what is wrong with it.
  truncated: 'kept',
} as const satisfies Record<string, 'kept' | 'lost' | 'excused'>;

export type AnomalyKind = keyof typeof anomalyKinds;

export interface Sample {
  /** 1 is the header. */
  readonly line: number;
  readonly excerpt: string;
}

/** The books of one table as it is read; `lines` = `rows` + `lost` + `excused` + `continued`. */
export interface Tally {
  /** Lines after the header. */
  lines: number;
  /** Rows handed on. */
  rows: number;
  lost: number;
  excused: number;
  /** Lines that belong to a quoted field begun on a line above (comma files only). */
  continued: number;
  readonly kinds: Map<AnomalyKind, { count: number; readonly samples: Sample[] }>;
}

/** Filled while tables are read, one tally per table; start with `new Map()`. */
export type Anomalies = Map<ReadableTable, Tally>;

const SAMPLES = 3;
const EXCERPT = 80;
const FEW = 10;
const SHARE = 0.001;
const FIRST_CHECK = 1_000;

/** Starts the books of a table afresh. */
export function openTally(anomalies: Anomalies, table: ReadableTable): Tally {
  const tally: Tally = { lines: 0, rows: 0, lost: 0, excused: 0, continued: 0, kinds: new Map() };
  anomalies.set(table, tally);
  return tally;
}

/** Counts one anomaly of the line, keeping the first few as samples; for a skipped row call it once. */
export function note(tally: Tally, kind: AnomalyKind, line: number, bytes: Buffer): void {
  const fate = anomalyKinds[kind];
  if (fate === 'lost') tally.lost += 1;
  if (fate === 'excused') tally.excused += 1;
  const entry = tally.kinds.get(kind) ?? { count: 0, samples: [] };
  tally.kinds.set(kind, entry);
  entry.count += 1;
  if (entry.samples.length < SAMPLES) entry.samples.push({ line, excerpt: excerptOf(bytes) });
}

/**
 * Throws VOCABULARY_ROWS, naming kinds, counts and samples, when the file ends inside a row, or when more rows are
 * lost than both 10 and 0.1 % of those read; only looks at the share from 1,000 rows on, or at the end.
 */
export function checkTally(tally: Tally, file: string, atEnd: boolean): void {
  const tooMany = tally.lost > Math.max(FEW, tally.lines * SHARE);
  const truncated = tally.kinds.has('truncated');
  if (!truncated && !(tooMany && (atEnd || tally.lines >= FIRST_CHECK))) return;
  const lost = [...tally.kinds].filter(([kind]) => kind === 'truncated' || anomalyKinds[kind] === 'lost');
  const sums = lost.map(([kind, { count }]) => `${kind} ${count}`).join(', ');
  throw new PortiereError(
    'VOCABULARY_ROWS',
    truncated
      ? `${file} ends in the middle of a row, on line ${tally.lines + 1}.`
      : `${file}: ${tally.lost} of ${tally.lines} rows cannot be used (${sums}).`,
    {
      hint: truncated
        ? 'The file is cut: unpack it again, or download it again. If its last row is complete, add the missing line end.'
        : 'Download the vocabulary again, and unpack it without opening the files in a spreadsheet.',
      problems: lost.flatMap(([kind, { samples }]) =>
        samples.map(({ line, excerpt }) => ({ path: `${file}:${line}`, reason: `${kind}: ${excerpt}` })),
      ),
    },
  );
}

function excerptOf(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, EXCERPT * 4).slice(0, EXCERPT);
  return JSON.stringify(text).slice(1, -1);
}
