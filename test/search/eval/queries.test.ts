import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readQueries } from '../../../src/search/eval/queries.ts';

async function fileOf(text: string): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'portiere-queries-')), 'queries.tsv');
  await writeFile(file, text);
  return file;
}

describe('labelled queries', () => {
  it('are read with or without a header, whatever the line ends', async () => {
    const expected = [
      { query: 'heart attack', concept_id: 2_100_000_018 },
      { query: 'query', concept_id: 5 },
    ];
    const lines = ['heart attack\t2100000018', 'query\t5'];
    expect(await readQueries(await fileOf(lines.join('\n')))).toEqual(expected);
    expect(await readQueries(await fileOf(['Query\tconcept_id', ...lines, ''].join('\r\n')))).toEqual(
      expected,
    );
  });

  it('may each name a slice', async () => {
    const file = await fileOf('query\tconcept_id\tslice\na\t1\tnotes\nb\t2\nc\t3\t\n');
    expect(await readQueries(file)).toEqual([
      { query: 'a', concept_id: 1, slice: 'notes' },
      { query: 'b', concept_id: 2 },
      { query: 'c', concept_id: 3 },
    ]);
  });

  it('are refused with every bad line named', async () => {
    const file = await fileOf(
      ['a\t1', 'no tab', '\t3', 'b\tx', 'c\t4\tslice\tmore', 'd\t-5', 'query\tconcept_id'].join('\n'),
    );
    await expect(readQueries(file)).rejects.toMatchObject({
      code: 'QUERIES_INVALID',
      message: expect.stringContaining('6 lines') as string,
      problems: [2, 3, 4, 5, 6, 7].map((line) => ({ path: `${file}:${line}` })),
    });
  });

  it('are refused where there is none, or no file', async () => {
    const empty = await fileOf('query\tconcept_id\n\n');
    await expect(readQueries(empty)).rejects.toMatchObject({ code: 'QUERIES_INVALID' });
    await expect(readQueries(`${empty}.absent`)).rejects.toMatchObject({
      code: 'QUERIES_INVALID',
      message: expect.stringContaining('cannot be read') as string,
    });
  });
});
