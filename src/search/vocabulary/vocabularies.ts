import type { Bundle } from './bundle.ts';
import { readTable, type ReadOptions } from './table.ts';

/** One row of VOCABULARY.csv; empty where OMOP says null. */
export interface Vocabulary {
  readonly vocabulary_id: string;
  readonly vocabulary_name: string;
  readonly vocabulary_reference: string;
  readonly vocabulary_version: string;
  readonly vocabulary_concept_id: number;
}

/** The row of VOCABULARY.csv that stands for the bundle itself. */
const BUNDLE_ROW = 'None';

/** What VOCABULARY.csv lists, the bundle's own row included; empty where the bundle has no such file. Errors as `readTable`. */
export async function readVocabularies(
  bundle: Bundle,
  options: ReadOptions = { anomalies: new Map() },
): Promise<readonly Vocabulary[]> {
  if (!bundle.tables.has('VOCABULARY')) return [];
  const vocabularies: Vocabulary[] = [];
  for await (const rows of readTable(bundle, 'VOCABULARY', options)) {
    for (const row of rows) {
      vocabularies.push({
        vocabulary_id: row[0]!,
        vocabulary_name: row[1]!,
        vocabulary_reference: row[2]!,
        vocabulary_version: row[3]!,
        vocabulary_concept_id: Number(row[4]),
      });
    }
  }
  return vocabularies;
}

/** The bundle's version (`v5.0 31-MAY-23`), or null where it does not say. */
export function bundleVersion(vocabularies: readonly Vocabulary[]): string | null {
  return vocabularies.find(isBundleRow)?.vocabulary_version || null;
}

/** The ids that can be selected: every listed vocabulary but the bundle's own row. */
export function vocabularyIds(vocabularies: readonly Vocabulary[]): readonly string[] {
  return vocabularies.filter((one) => !isBundleRow(one)).map((one) => one.vocabulary_id);
}

function isBundleRow({ vocabulary_id }: Vocabulary): boolean {
  return vocabulary_id === BUNDLE_ROW;
}
