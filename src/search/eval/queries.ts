import { readFile } from 'node:fs/promises';

import { PortiereError } from '../../errors.ts';

const reason = 'not a query, a tab and a concept id';

/** A query and the concept that it should find. */
export interface LabelledQuery {
  readonly query: string;
  readonly concept_id: number;
  /** What the file calls the part that it belongs to; undefined where the file names none. */
  readonly slice?: string;
}

/**
 * Reads a file of `query <tab> concept id` lines, a name of a slice behind another tab where there is one, with or
 * without a header line; every bad line is told at once.
 */
export async function readQueries(file: string): Promise<LabelledQuery[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new PortiereError('QUERIES_INVALID', `The query file ${file} cannot be read.`, {
      hint: 'Give a file with a query, a tab and a concept id on each line.',
      cause: error,
    });
  }
  const problems: { path: string; reason: string }[] = [];
  const queries: LabelledQuery[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || (index === 0 && /^query\tconcept_id(\tslice)?$/i.test(line))) continue;
    const [query = '', id = '', slice = '', ...rest] = line.split('\t');
    if (query.trim() === '' || !/^\d{1,16}$/.test(id) || rest.length > 0) {
      problems.push({ path: `${file}:${index + 1}`, reason });
      continue;
    }
    const named = slice.trim();
    queries.push({ query, concept_id: Number(id), ...(named === '' ? {} : { slice: named }) });
  }
  if (problems.length === 0 && queries.length > 0) return queries;
  throw new PortiereError(
    'QUERIES_INVALID',
    problems.length > 0
      ? `The query file ${file} has ${problems.length} lines that are no labelled query.`
      : `The query file ${file} holds no query.`,
    {
      hint: 'Each line: query, tab, concept id; then a tab and the name of a slice, if there is one.',
      problems: problems.slice(0, 20),
    },
  );
}
