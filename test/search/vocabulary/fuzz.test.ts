import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PortiereError } from '../../../src/errors.ts';
import type { Anomalies } from '../../../src/search/vocabulary/anomalies.ts';
import { parseHeader } from '../../../src/search/vocabulary/header.ts';
import { carefulLines } from '../../../src/search/vocabulary/careful.ts';
import { carefulRecords } from '../../../src/search/vocabulary/records.ts';
import { openTally } from '../../../src/search/vocabulary/anomalies.ts';
import { readTable } from '../../../src/search/vocabulary/table.ts';
import { conceptHeader, conceptLine, memoryBundle } from '../../support/vocabulary.ts';

const NEWLINE = 10;
const tabFile = Buffer.from(
  [
    conceptHeader,
    ...Array.from({ length: 8 }, (_, at) => conceptLine(at, { concept_name: `Sjögren ${at}` })),
    '',
  ].join('\n'),
);
const commaFile = Buffer.from(
  'concept_id,concept_synonym_name,language_concept_id\n1,a,0\n2,"b, c",0\n3,"d\ne",0\n4,"f ""g""",0\n5,h,0\n',
);

/** Bytes that mean something, and bytes that do not. */
const byte = fc.oneof(
  fc.constantFrom(...Array.from('\n\t\r\0",0S- ', (one) => one.charCodeAt(0))),
  fc.nat({ max: 255 }),
);
const edit = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 4 }),
  insert: fc.array(byte, { maxLength: 4 }),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function mutated(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const firstRow = bytes.indexOf(NEWLINE) + 1;
  let result = bytes;
  for (const { at, remove, insert } of edits) {
    const from = firstRow + (at % (result.length - firstRow + 1));
    result = Buffer.concat([result.subarray(0, from), Buffer.from(insert), result.subarray(from + remove)]);
    if (result.length <= firstRow) return result;
  }
  return result;
}

function linesAfterHeader(bytes: Buffer): number {
  const body = bytes.subarray(bytes.indexOf(NEWLINE) + 1);
  return body.filter((one) => one === NEWLINE).length + (body.length > 0 && body.at(-1) !== NEWLINE ? 1 : 0);
}

describe.each([
  ['CONCEPT', tabFile],
  ['CONCEPT_SYNONYM', commaFile],
] as const)('mutated bytes of %s', (table, original) => {
  it('never crash the reader, and no line goes missing from its books', async () => {
    const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.integer({ min: 1, max: 400 }), async (edits, piece) => {
        const bytes = mutated(original, edits);
        const anomalies: Anomalies = new Map();
        let rows = 0;
        let ended = true;
        try {
          for await (const batch of readTable(memoryBundle({ [table]: bytes }, piece), table, {
            anomalies,
          })) {
            rows += batch.length;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(PortiereError);
          ended = false;
        }
        const tally = anomalies.get(table)!;
        expect(tally.rows + tally.lost + tally.excused + tally.continued).toBe(tally.lines);
        if (!ended) return;
        expect(rows).toBe(tally.rows);
        expect(tally.lines).toBe(linesAfterHeader(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('read the same in any pieces', async () => {
    const read = async (bytes: Buffer, piece: number): Promise<unknown> => {
      const anomalies: Anomalies = new Map();
      try {
        const rows = [];
        for await (const batch of readTable(memoryBundle({ [table]: bytes }, piece), table, { anomalies }))
          rows.push(...batch);
        return { rows, anomalies };
      } catch (error) {
        return (error as PortiereError).message;
      }
    };
    const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(edits, fc.integer({ min: 1, max: 99 }), async (edits, piece) => {
        const bytes = mutated(original, edits);
        expect(await read(bytes, piece)).toEqual(await read(bytes, bytes.length + 1));
      }),
      { numRuns: 300 },
    );
  });
});

/** The same concepts as a file of commas: texts and some other fields in quotes, a name over two lines. */
const conceptCommas = Buffer.from(
  tabFile
    .toString()
    .split('\n')
    .map((line, at) =>
      line
        .split('\t')
        .map((field, column) =>
          at > 0 && (column + at) % 3 > 0 ? `"${field.replace('Sjögren 5', 'Sj,\nögren')}"` : field,
        )
        .join(','),
    )
    .join('\n'),
);

/** With a column that nobody knows, the others from the last to the first. */
const turned = Buffer.from(
  tabFile
    .toString()
    .split('\n')
    .map((line) => (line === '' ? line : ['extra', ...line.split('\t').toReversed()].join('\t')))
    .join('\n'),
);
const withReturns = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replaceAll('\n', '\r\n'));

it.each([
  ['tabs', tabFile, carefulLines],
  ['tabs in another order', turned, carefulLines],
  ['tabs and CR LF', withReturns(tabFile), carefulLines],
  ['commas', conceptCommas, carefulRecords],
  ['commas and CR LF', withReturns(conceptCommas), carefulRecords],
] as const)(
  'the quick scanner of %s says of every line what the careful reader says',
  async (_form, original, read) => {
    let usable = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { maxLength: 4 }),
        fc.integer({ min: 1, max: 900 }),
        async (edits, piece) => {
          const bytes = Buffer.concat([mutated(original, edits), Buffer.from('\n')]);
          const anomalies: Anomalies = new Map();
          const quick: unknown[] = [];
          const layout = parseHeader('CONCEPT', original.subarray(0, original.indexOf(NEWLINE)));
          try {
            for await (const batch of readTable(memoryBundle({ CONCEPT: bytes }, piece), 'CONCEPT', {
              anomalies,
            }))
              quick.push(...batch);
          } catch {
            return;
          }
          const careful: unknown[] = [];
          const tally = openTally(new Map(), 'CONCEPT');
          const lines = read(layout, tally);
          let at = bytes.indexOf(NEWLINE) + 1;
          for (let number = 2; at < bytes.length; number += 1) {
            const end = bytes.indexOf(NEWLINE, at);
            careful.push(...lines.take({ bytes: bytes.subarray(at, end), number }));
            at = end + 1;
          }
          careful.push(...lines.end());
          usable += careful.length;
          expect(quick).toEqual(careful);
          const { lines: count, rows, lost, excused, continued, kinds } = anomalies.get('CONCEPT')!;
          expect({ count, rows, lost, excused, continued, kinds }).toEqual({
            count: tally.lines,
            rows: careful.length,
            lost: tally.lost,
            excused: tally.excused,
            continued: tally.continued,
            kinds: tally.kinds,
          });
        },
      ),
      { numRuns: 500 },
    );
    expect(usable).toBeGreaterThan(1_000);
  },
);
