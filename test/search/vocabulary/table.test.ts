import { describe, expect, it } from 'vitest';
import type { Anomalies, AnomalyKind, Tally } from '../../../src/search/vocabulary/anomalies.ts';
import type { Row } from '../../../src/search/vocabulary/row.ts';
import { readTable } from '../../../src/search/vocabulary/table.ts';
import type { ReadableTable } from '../../../src/search/vocabulary/tables.ts';
import { conceptHeader, conceptLine, gather, memoryBundle } from '../../support/vocabulary.ts';

interface Read {
  readonly rows: readonly Row[];
  readonly tally: Tally;
}

async function read(table: ReadableTable, content: string | Buffer, piece?: number): Promise<Read> {
  const anomalies: Anomalies = new Map();
  const bundle = memoryBundle({ [table]: content }, piece);
  const rows = await gather(readTable(bundle, table, { anomalies }));
  return { rows, tally: anomalies.get(table)! };
}

const file = (...lines: readonly string[]): string => [conceptHeader, ...lines, ''].join('\n');
const kindsOf = ({ tally }: Read): object =>
  Object.fromEntries([...tally.kinds].map(([kind, { count }]) => [kind, count]));
const odd = conceptLine(7, { concept_name: 'seven' });
const oddRow = ['7', 'seven', 'Condition', 'SNOMED', 'Disorder', 'S', 'c7', '1970-01-01', '2099-12-31', ''];

describe('a sound file', () => {
  it('gives rows in our order with ISO dates, whatever pieces the bytes come in', async () => {
    const content = file(
      conceptLine(1, { concept_name: 'Ménière', invalid_reason: 'D', standard_concept: '' }),
      conceptLine(0, { valid_start_date: '2000-02-29', standard_concept: 'C' }),
      conceptLine(9_007_199_254_740_991),
      odd,
    );
    const whole = await read('CONCEPT', content);
    expect(whole.rows[0]).toEqual([
      '1',
      'Ménière',
      'Condition',
      'SNOMED',
      'Disorder',
      '',
      'c1',
      '1970-01-01',
      '2099-12-31',
      'D',
    ]);
    expect(whole.rows.map((row) => row[0])).toEqual(['1', '0', '9007199254740991', '7']);
    expect(whole.rows[1]![7]).toBe('2000-02-29');
    expect(whole.rows[3]).toEqual(oddRow);
    expect(whole.tally).toEqual({ lines: 4, rows: 4, lost: 0, excused: 0, continued: 0, kinds: new Map() });
    for (const piece of [1, 2, 3, 50, 99]) expect(await read('CONCEPT', content, piece)).toEqual(whole);
  });

  it('finds columns by name in any order and case, past extra ones, a BOM and quotes', async () => {
    const header = '\uFEFFCONCEPT_ID\textra\t"Language_Concept_Id"\tconcept_synonym_name';
    const { rows } = await read('CONCEPT_SYNONYM', `${header}\n5\tx\t4180186\tfive\n`);
    expect(rows).toEqual([['5', 'five', '4180186']]);
  });

  it('cuts batches at 2,000 rows', async () => {
    const lines = Array.from({ length: 4_500 }, (_, at) => `${at}\t${at + 1}\t0\t12`);
    const bundle = memoryBundle({
      CONCEPT_ANCESTOR: `ancestor_concept_id\tdescendant_concept_id\tmin_levels_of_separation\tmax_levels_of_separation\n${lines.join('\n')}\n`,
    });
    const sizes: number[] = [];
    for await (const batch of readTable(bundle, 'CONCEPT_ANCESTOR', { anomalies: new Map() }))
      sizes.push(batch.length);
    expect(sizes).toEqual([2_000, 2_000, 500]);
  });

  it('takes CRLF files as they are, and a header alone as no rows', async () => {
    const crlf = await read('CONCEPT', file(odd, odd).replaceAll('\n', '\r\n'));
    expect(crlf.rows).toEqual([oddRow, oddRow]);
    expect(crlf.tally.kinds.size).toBe(0);
    expect((await read('CONCEPT', file())).rows).toEqual([]);
    expect((await read('CONCEPT', conceptHeader)).rows).toEqual([]);
  });

  it('does not remember a value as good for another column or row than its own', async () => {
    const lines = [
      conceptLine(1, { domain_id: 'S', standard_concept: 'S' }),
      conceptLine(2, { domain_id: 'Drug', standard_concept: '' }),
      conceptLine(3, { domain_id: 'Drug', standard_concept: 'Drug' }),
      conceptLine(4, { domain_id: 'Drugs', standard_concept: '' }),
      conceptLine(5, { domain_id: 'Dru', standard_concept: 'S' }),
    ];
    const { rows } = await read('CONCEPT', file(...lines));
    expect(rows.map((row) => [row[0], row[2], row[5]])).toEqual([
      ['1', 'S', 'S'],
      ['2', 'Drug', ''],
      ['4', 'Drugs', ''],
      ['5', 'Dru', 'S'],
    ]);
  });
});

describe('VOCABULARY_HEADER', () => {
  it.each([
    ['an empty file', ''],
    ['a blank first line', '\n'],
    ['rows without a header', `${odd}\n`],
    ['a missing column', file(odd).replace('concept_code\t', '')],
    ['a column twice', file(odd).replace('concept_class_id', 'domain_id\tconcept_class_id')],
    ['UTF-16', Buffer.from(`\uFEFF${file(odd)}`, 'utf16le')],
    ['a semicolon', file(odd).replaceAll('\t', ';')],
    ['an HTML error page', '<html><body>Session expired</body></html>\n'],
  ])('%s', async (_, content) => {
    await expect(read('CONCEPT', content)).rejects.toMatchObject({
      code: 'VOCABULARY_HEADER',
      message: expect.stringMatching(/^CONCEPT\.csv .*expected concept_id, .*; found /s) as string,
    });
  });
});

describe('a row that cannot be used', () => {
  const invalidBytes = Buffer.from(odd.replace('seven', 's\u00E9ven'), 'latin1');
  it.each<[AnomalyKind, string | Buffer]>([
    ['too_few_fields', odd.slice(0, odd.lastIndexOf('\t'))],
    ['too_many_fields', `${odd}\t`],
    ['blank_line', ''],
    ['invalid_utf8', invalidBytes],
    ['nul', conceptLine(1, { concept_name: 'a\0b' })],
    ['bad_id', conceptLine('1x')],
    ['bad_id', conceptLine('')],
    ['bad_id', conceptLine('-1')],
    ['bad_id', conceptLine('01')],
    ['bad_id', conceptLine('1.0')],
    ['bad_id', conceptLine('9007199254740992')],
    ['bad_id', conceptLine('99999999999999999999')],
    ['bad_date', conceptLine(1, { valid_start_date: '19700230' })],
    ['bad_date', conceptLine(1, { valid_start_date: '19001301' })],
    ['bad_date', conceptLine(1, { valid_end_date: '1970-0101' })],
    ['bad_date', conceptLine(1, { valid_end_date: '' })],
    ['bad_date', conceptLine(1, { valid_end_date: '01/02/1970' })],
    ['empty_name', conceptLine(1, { concept_name: '' })],
    ['empty_name', conceptLine(1, { concept_name: ' \u00A0 ' })],
    ['empty_name', conceptLine(1, { concept_name: '""' })],
    ['empty_field', conceptLine(1, { vocabulary_id: '' })],
    ['empty_field', conceptLine(1, { concept_code: '' })],
    ['bad_standard_concept', conceptLine(1, { standard_concept: 'N' })],
    ['bad_invalid_reason', conceptLine(1, { invalid_reason: 'V' })],
  ])('%s: skipped, counted, sampled with its line number; its neighbours stay (%#)', async (kind, bad) => {
    const content = Buffer.concat([Buffer.from(file(odd)), Buffer.from(bad), Buffer.from(`\n${odd}\n`)]);
    const found = await read('CONCEPT', content);
    expect(found.rows).toEqual([oddRow, oddRow]);
    expect(kindsOf(found)).toEqual({ [kind]: 1 });
    expect(found.tally).toMatchObject({ lines: 3, rows: 2, lost: 1 });
    expect(found.tally.kinds.get(kind)!.samples).toEqual([
      { line: 3, excerpt: expect.any(String) as string },
    ]);
  });

  it('keeps three samples of a kind, cut to a readable length', async () => {
    const bad = conceptLine('x', { concept_name: 'long '.repeat(50) });
    const { tally } = await read('CONCEPT', file(...Array.from({ length: 9 }, () => bad)));
    const samples = tally.kinds.get('bad_id')!.samples;
    expect(samples.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(samples[0]!.excerpt).toMatch(/^x\\tlong long/);
    expect(samples[0]!.excerpt.length).toBeLessThan(100);
  });
});

describe('a row that is odd but usable', () => {
  it.each<[AnomalyKind, string, string]>([
    ['quotes_unwrapped', '"wrapped"', 'wrapped'],
    ['quotes_unwrapped', '"5"" tube"', '5" tube'],
    ['carriage_return', 'two\rlines', 'two lines'],
    ['too_long', 'é'.repeat(256), 'é'.repeat(256)],
  ])('%s', async (kind, raw, name) => {
    const found = await read('CONCEPT', file(conceptLine(7, { concept_name: raw })));
    expect(found.rows.map((row) => row[1])).toEqual([name]);
    expect(kindsOf(found)).toEqual({ [kind]: 1 });
  });

  it('leaves lone quotes, inches and long names within the limit alone, and counts none of them', async () => {
    const names = [
      '"Unbalanced',
      '5" tube',
      '"a" or "b"',
      '"',
      "d'Arc",
      'é'.repeat(255),
      '𝛼'.repeat(255),
      'é\u2028x',
    ];
    const found = await read(
      'CONCEPT',
      file(...names.map((name, at) => conceptLine(at, { concept_name: name }))),
    );
    expect(found.rows.map((row) => row[1])).toEqual(names);
    expect(kindsOf(found)).toEqual({});
  });

  it('a stray CR before a line end in a file with plain line ends', async () => {
    const found = await read('CONCEPT', file(odd, `${odd}\r`));
    expect(found.rows).toEqual([oddRow, oddRow]);
    expect(kindsOf(found)).toEqual({ carriage_return: 1 });
  });

  it('synonyms may have 1,000 characters', async () => {
    const header = 'concept_id\tconcept_synonym_name\tlanguage_concept_id';
    const found = await read(
      'CONCEPT_SYNONYM',
      `${header}\n1\t${'x'.repeat(1_000)}\t0\n1\t${'x'.repeat(1_001)}\t0\n`,
    );
    expect(found.rows.length).toBe(2);
    expect(kindsOf(found)).toEqual({ too_long: 1 });
  });
});

describe('VOCABULARY_ROWS', () => {
  const good = (count: number): string[] => Array.from({ length: count }, (_, at) => conceptLine(at + 1));
  const bad = (count: number): string[] => Array.from({ length: count }, () => 'x');

  it('up to 10 lost rows are only counted, however small the file; 11 end it', async () => {
    expect((await read('CONCEPT', file(...bad(10)))).tally.lost).toBe(10);
    await expect(read('CONCEPT', file(...good(100), ...bad(11)))).rejects.toMatchObject({
      code: 'VOCABULARY_ROWS',
      message: 'CONCEPT.csv: 11 of 111 rows cannot be used (too_few_fields 11).',
      problems: [102, 103, 104].map((line) => ({ path: `CONCEPT.csv:${line}`, reason: 'too_few_fields: x' })),
    });
  });

  it('above 10,000 rows, up to one in a thousand is only counted', async () => {
    expect((await read('CONCEPT', file(...good(19_980), ...bad(20)))).tally.lost).toBe(20);
    await expect(read('CONCEPT', file(...good(19_979), ...bad(21)))).rejects.toMatchObject({
      code: 'VOCABULARY_ROWS',
    });
  });

  it('ends early, at the first thousand rows', async () => {
    const anomalies: Anomalies = new Map();
    const content = file(...bad(11), ...good(30_000));
    const rows = readTable(memoryBundle({ CONCEPT: content }, 16_384), 'CONCEPT', { anomalies });
    await expect(gather(rows)).rejects.toMatchObject({ code: 'VOCABULARY_ROWS' });
    expect(anomalies.get('CONCEPT')!.lines).toBeLessThan(1_700);
  });

  it('does not hold CPT4 names that were never fetched against the file', async () => {
    const unnamed = conceptLine(1, { concept_name: '', vocabulary_id: 'CPT4' });
    const found = await read('CONCEPT', file(odd, ...Array.from({ length: 5_000 }, () => unnamed)));
    expect(found.tally).toMatchObject({ lines: 5_001, rows: 1, lost: 0, excused: 5_000 });
    expect(kindsOf(found)).toEqual({ unnamed_cpt4: 5_000 });
  });

  it('a file cut anywhere inside its last row always ends it', async () => {
    const content = file(odd, conceptLine(8, { invalid_reason: 'D' }));
    const lastRow = content.indexOf('\n8\t') + 1;
    for (let length = lastRow + 1; length <= content.length - 3; length += 1) {
      await expect(
        read('CONCEPT', content.slice(0, length)),
        content.slice(lastRow, length),
      ).rejects.toMatchObject({
        code: 'VOCABULARY_ROWS',
        message: 'CONCEPT.csv ends in the middle of a row, on line 3.',
      });
    }
  });

  it('a last row that reads as one is taken, and its missing line end counted', async () => {
    const found = await read('CONCEPT', file(odd, odd).slice(0, -1));
    expect(found.rows).toEqual([oddRow, oddRow]);
    expect(kindsOf(found)).toEqual({ no_final_newline: 1 });
  });

  it('a last id that is the beginning of the one above is a cut', async () => {
    const content = 'concept_id\tconcept_synonym_name\tlanguage_concept_id\n1\ta\t4180186\n2\tb\t41801';
    await expect(read('CONCEPT_SYNONYM', content)).rejects.toMatchObject({ code: 'VOCABULARY_ROWS' });
    await expect(read('CONCEPT_SYNONYM', content, 10)).rejects.toMatchObject({ code: 'VOCABULARY_ROWS' });
  });

  it('a line without end is given up at 1 MiB', async () => {
    const endless = memoryBundle({ CONCEPT: `${conceptHeader}\n${'x'.repeat(3_000_000)}` }, 65_536);
    await expect(gather(readTable(endless, 'CONCEPT', { anomalies: new Map() }))).rejects.toMatchObject({
      code: 'VOCABULARY_ROWS',
    });
  });
});

describe('a comma-separated derivative', () => {
  const header = 'CONCEPT_ID,"CONCEPT_SYNONYM_NAME",LANGUAGE_CONCEPT_ID';
  const csv = (...lines: readonly string[]): string => [header, ...lines, ''].join('\n');

  it('reads RFC 4180 quoting: commas, doubled quotes and line ends inside', async () => {
    const content = csv(
      '1,plain,0',
      '2,"a, b",0',
      '3,"say ""x""",0',
      '4,"two\nlines",0',
      '5,"",0',
      '6,last,0',
    );
    for (const piece of [1, 7, 1_000]) {
      const found = await read('CONCEPT_SYNONYM', content, piece);
      expect(found.rows.map((row) => row[1])).toEqual(['plain', 'a, b', 'say "x"', 'two\nlines', 'last']);
      expect(found.tally).toMatchObject({ lines: 7, rows: 5, lost: 1, continued: 1 });
      expect(found.tally.kinds.get('empty_name')!.samples[0]!.line).toBe(7);
    }
  });

  it('loses one row, not the rest of the file, to a quote left open', async () => {
    const lines = Array.from({ length: 60 }, (_, at) => `${at},name ${at},0`);
    const found = await read(
      'CONCEPT_SYNONYM',
      csv('100,"open,0', ...lines, '101,5" tube,0', '102,"shut",0'),
      100,
    );
    expect(found.rows.length).toBe(61);
    expect(kindsOf(found)).toEqual({ bad_quotes: 2 });
    expect(found.tally).toMatchObject({ lines: 63, lost: 2, continued: 0 });
  });

  it('a file cut inside a quoted field is cut', async () => {
    await expect(read('CONCEPT_SYNONYM', csv('1,a,0').concat('2,"a\nb'))).rejects.toMatchObject({
      code: 'VOCABULARY_ROWS',
    });
  });
});
