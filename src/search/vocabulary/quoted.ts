/** The fields of one comma-separated record in RFC 4180 quoting, or undefined where its quotes do not add up. */
export function splitQuoted(record: string): string[] | undefined {
  if (!record.includes('"')) return record.split(',');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const field = record[at] === '"' ? quotedField(record, at) : bareField(record, at);
    if (field === undefined) return undefined;
    fields.push(field.value);
    if (field.end === record.length) return fields;
    at = field.end + 1;
  }
}

/** `""a""` doubled inside, one pair outside: the text within, or undefined where the field is not wrapped like that. */
export function unwrap(field: string): string | undefined {
  if (field.length < 2 || !field.startsWith('"') || !field.endsWith('"')) return undefined;
  const inner = field.slice(1, -1);
  return inner.replaceAll('""', '').includes('"') ? undefined : inner.replaceAll('""', '"');
}

interface Field {
  readonly value: string;
  /** Index of the comma after it, or the record's length. */
  readonly end: number;
}

function quotedField(record: string, start: number): Field | undefined {
  let at = record.indexOf('"', start + 1);
  let doubled = false;
  for (; at !== -1 && record[at + 1] === '"'; at = record.indexOf('"', at + 2)) doubled = true;
  if (at === -1) return undefined;
  const end = at + 1;
  if (end !== record.length && record[end] !== ',') return undefined;
  const inner = record.slice(start + 1, at);
  return { value: doubled ? inner.replaceAll('""', '"') : inner, end };
}

function bareField(record: string, start: number): Field | undefined {
  const comma = record.indexOf(',', start);
  const end = comma === -1 ? record.length : comma;
  const value = record.slice(start, end);
  return value.includes('"') ? undefined : { value, end };
}
