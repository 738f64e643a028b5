import { isUtf8 } from 'node:buffer';
import { note, type AnomalyKind, type Tally } from './anomalies.ts';
import { judgeField } from './field.ts';
import type { Layout } from './header.ts';
import { splitQuoted, unwrap } from './quoted.ts';

/** The fields of one row, in the order of our columns; empty where OMOP says null. */
export type Row = readonly string[];

export interface Line {
  readonly bytes: Buffer;
  /** 1 is the header. */
  readonly number: number;
}

/** Reads one record with every check, the slow way, noting what is odd; undefined when the row cannot be used. */
export function readRow(layout: Layout, tally: Tally, { bytes, number }: Line): Row | undefined {
  const judged = judge(layout, bytes);
  for (const kind of judged.warnings) note(tally, kind, number, bytes);
  if (judged.fault !== undefined) {
    note(tally, judged.fault, number, bytes);
    return undefined;
  }
  tally.rows += 1;
  return judged.row;
}

interface Verdict {
  readonly warnings: ReadonlySet<AnomalyKind>;
  readonly fault?: AnomalyKind;
  readonly row: Row;
}

function judge(layout: Layout, bytes: Buffer): Verdict {
  const warnings = new Set<AnomalyKind>();
  const lost = (fault: AnomalyKind): Verdict => ({ warnings: new Set(), fault, row: [] });
  if (!isUtf8(bytes)) return lost('invalid_utf8');
  if (bytes.includes(0)) return lost('nul');
  const text = withoutReturns(layout, bytes.toString('utf8'), warnings);
  if (text === '') return lost('blank_line');
  const fields = layout.delimiter === 'tab' ? text.split('\t') : splitQuoted(text);
  if (fields === undefined) return lost('bad_quotes');
  if (fields.length < layout.targets.length) return lost('too_few_fields');
  if (fields.length > layout.targets.length) return lost('too_many_fields');
  const row: string[] = Array.from({ length: layout.columns.length }, () => '');
  let fault: AnomalyKind | undefined;
  for (const [index, target] of layout.targets.entries()) {
    const column = layout.columns[target];
    if (column === undefined) continue;
    const judged = judgeField(column, plain(layout, fields[index]!, warnings));
    if ('fault' in judged) fault ??= judged.fault;
    else row[target] = judged.value;
    if ('warn' in judged) warnings.add(judged.warn);
  }
  if (fault === 'empty_name' && isCpt4(layout, row)) return lost('unnamed_cpt4');
  return fault === undefined ? { warnings, row } : lost(fault);
}

/** A CR at the end belongs to the line end; one inside a field becomes a space. Both are noted unless the file has CRLF. */
function withoutReturns(layout: Layout, text: string, warnings: Set<AnomalyKind>): string {
  if (!text.includes('\r')) return text;
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (line.includes('\r') || !layout.crlf) warnings.add('carriage_return');
  return line.replaceAll('\r', ' ');
}

/** Athena quotes nothing, so in its files a wrapped field is an exporter's doing; a lone quote is an inch or an apostrophe. */
function plain(layout: Layout, field: string, warnings: Set<AnomalyKind>): string {
  const unwrapped = layout.delimiter === 'tab' ? unwrap(field) : undefined;
  if (unwrapped !== undefined) warnings.add('quotes_unwrapped');
  return unwrapped ?? field;
}

/** CPT4 names only arrive when the operator runs cpt4.jar with a UMLS key: not a damaged file. */
function isCpt4(layout: Layout, row: Row): boolean {
  return (
    layout.table === 'CONCEPT' &&
    row[layout.columns.findIndex(({ name }) => name === 'vocabulary_id')] === 'CPT4'
  );
}
