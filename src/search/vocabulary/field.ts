import type { AnomalyKind } from './anomalies.ts';
import type { Column } from './tables.ts';

/** What a field is worth: its value in our form, with `warn` where it is usable but odd, or why it is not. */
export type Judged =
  | { readonly value: string; readonly warn?: AnomalyKind }
  | { readonly fault: AnomalyKind };

/** Judges one decoded field by its column; dates come out as `YYYY-MM-DD`. */
export function judgeField(column: Column, value: string): Judged {
  switch (column.kind) {
    case 'id':
    case 'count':
      return isId(value) ? { value } : { fault: 'bad_id' };
    case 'date': {
      const date = isoDate(value);
      return date === undefined ? { fault: 'bad_date' } : { value: date };
    }
    case 'standard':
      return value === '' || value === 'S' || value === 'C' ? { value } : { fault: 'bad_standard_concept' };
    case 'reason':
      return value === '' || value === 'D' || value === 'U' ? { value } : { fault: 'bad_invalid_reason' };
    case 'name':
    case 'code':
    case 'term':
      return judgeText(column, value);
    default:
      return column.kind satisfies never;
  }
}

function judgeText({ kind, required, max }: Column, value: string): Judged {
  if (required && value.trim() === '') return { fault: kind === 'name' ? 'empty_name' : 'empty_field' };
  return isLonger(value, max) ? { value, warn: 'too_long' } : { value };
}

/** `YYYYMMDD` or `YYYY-MM-DD`, a day that exists, as `YYYY-MM-DD`; undefined for anything else. */
function isoDate(value: string): string | undefined {
  const parts = /^(\d{4})(-?)(\d{2})\2(\d{2})$/.exec(value);
  if (parts === null) return undefined;
  const [, year, , month, day] = parts;
  const date = `${year}-${month}-${day}`;
  const read = new Date(`${date}T00:00:00Z`);
  const exists = !Number.isNaN(read.getTime()) && read.toISOString().startsWith(date);
  return exists && year !== '0000' ? date : undefined;
}

/** 0 is concept 0, "no matching concept"; a leading zero or a sign would make two spellings of one id. */
function isId(value: string): boolean {
  return /^(?:0|[1-9]\d{0,15})$/.test(value) && Number(value) <= Number.MAX_SAFE_INTEGER;
}

/** In code points, as PostgreSQL counts. */
function isLonger(value: string, max: number): boolean {
  return value.length > max && Array.from(value).length > max;
}
