import { DatabaseSync } from 'node:sqlite';

import { describe, expect, it } from 'vitest';

import { packAttributes, readAttributes } from '../../../src/search/lexical/attributes.ts';
import { tables } from '../../../src/search/lexical/schema.ts';

describe('attributes of rows', () => {
  it('are read as they were packed, row by row', () => {
    const database = new DatabaseSync(':memory:');
    database.exec(`${tables}
      INSERT INTO concept VALUES (7, 'one', 'Drug', 'RxNorm', 'Ingredient', 'S', 'a', '', '', NULL, 'a');
      INSERT INTO concept VALUES (9, 'two', 'Condition', 'ICD10', 'Code', NULL, 'b', '', '', 'D', 'b');
      INSERT INTO term VALUES (0, 7, 'name', 'one', 'one'), (1, 9, 'name', 'two', 'two'),
        (2, 7, 'synonym', 'uno', 'uno');`);
    packAttributes(database);
    const rows = readAttributes(database).map(({ values, names }) => [...values].map((code) => names[code]));
    expect(rows).toEqual([
      ['RxNorm', 'ICD10', 'RxNorm'],
      ['Drug', 'Condition', 'Drug'],
      ['Ingredient', 'Code', 'Ingredient'],
      ['S', 'none', 'S'],
      ['valid', 'invalid', 'valid'],
    ]);
    database.close();
  });

  it('are missed where the file has none', () => {
    const database = new DatabaseSync(':memory:');
    database.exec(tables);
    expect(() => readAttributes(database)).toThrow(/no vocabulary_id/);
    database.close();
  });
});
