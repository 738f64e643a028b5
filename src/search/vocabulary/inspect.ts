import { anomalyKinds, type Anomalies, type AnomalyKind, type Sample } from './anomalies.ts';
import type { Bundle } from './bundle.ts';
import { createCensus, type Census, type VocabularyCount } from './census.ts';
import { readAncestors, readConcepts, readRelationships, readSynonyms } from './read.ts';
import { tableNames, type ReadableTable, type TableName } from './tables.ts';
import { bundleVersion, readVocabularies, vocabularyIds } from './vocabularies.ts';

const TOP = 20;

interface AnomalyReport {
  readonly table: ReadableTable;
  readonly kind: AnomalyKind;
  /** What became of such rows: kept (as read or mended), lost (skipped), or excused (skipped, with a known cause). */
  readonly fate: 'kept' | 'lost' | 'excused';
  readonly count: number;
  readonly samples: readonly Sample[];
}

/** What a download holds. Counts are usable rows; null where the bundle lacks the table. */
export interface Inspection {
  readonly path: string;
  readonly kind: Bundle['kind'];
  readonly digest: string;
  /** As in VOCABULARY.csv (`v5.0 31-MAY-23`), null where it does not say. */
  readonly version: string | null;
  readonly tables: readonly { readonly table: TableName; readonly bytes: number }[];
  readonly concepts: number;
  readonly vocabularies: readonly VocabularyCount[];
  readonly duplicateIds: number;
  readonly highestId: number | null;
  /** First and last `valid_start_date`, last `valid_end_date`; null without concepts. */
  readonly dates: Census['dates'];
  readonly synonyms: number | null;
  readonly relationships: number | null;
  /** The commonest kinds of relationship, at most 20. */
  readonly relationshipKinds: readonly { readonly relationship_id: string; readonly rows: number }[];
  readonly ancestors: number | null;
  /** CPT4 names only come with cpt4.jar: rows skipped for want of a name, and whether they wait in a file of their own. */
  readonly cpt4: { readonly unnamed: number; readonly separateFile: boolean };
  /** Signs of a cut download. */
  readonly suspicions: {
    /** Listed in VOCABULARY.csv, yet without a concept. */
    readonly emptyVocabularies: readonly string[];
    readonly synonymsOfUnknownConcepts: number;
    readonly relationshipsOfUnknownConcepts: number;
  };
  readonly anomalies: readonly AnomalyReport[];
}

export interface InspectProgress {
  readonly stage: ReadableTable | 'digest';
  /** Usable rows of the stage so far. */
  readonly rows: number;
}

/** Reads a whole download once for its rows and once for its digest; errors as `readTable`. */
export async function inspectBundle(
  bundle: Bundle,
  onProgress: (progress: InspectProgress) => void = () => {},
): Promise<Inspection> {
  const anomalies: Anomalies = new Map();
  const counted = async function* <T>(table: ReadableTable, batches: AsyncIterable<readonly T[]>) {
    if (!bundle.tables.has(table)) return;
    for await (const batch of batches) {
      yield batch;
      onProgress({ stage: table, rows: anomalies.get(table)!.rows });
    }
  };
  const rowsOf = (table: ReadableTable): number | null => anomalies.get(table)?.rows ?? null;

  const listed = await readVocabularies(bundle, { anomalies });
  const census = createCensus();
  for await (const batch of counted('CONCEPT', readConcepts(bundle, { anomalies }))) census.concepts(batch);
  for await (const batch of counted('CONCEPT_SYNONYM', readSynonyms(bundle, { anomalies })))
    census.synonyms(batch);
  for await (const batch of counted('CONCEPT_RELATIONSHIP', readRelationships(bundle, { anomalies }))) {
    census.relationships(batch);
  }
  // Only counted: 70 million pairs are not worth a look-up each.
  for await (const _ of counted('CONCEPT_ANCESTOR', readAncestors(bundle, { anomalies })));
  onProgress({ stage: 'digest', rows: 0 });
  const digest = await bundle.digest();

  const result = census.result();
  const present = new Set(result.vocabularies.map(({ vocabulary_id }) => vocabulary_id));
  return {
    path: bundle.path,
    kind: bundle.kind,
    digest,
    version: bundleVersion(listed),
    tables: tableNames.flatMap((table) => {
      const size = bundle.tables.get(table)?.size;
      return size === undefined ? [] : [{ table, bytes: size }];
    }),
    concepts: rowsOf('CONCEPT') ?? 0,
    vocabularies: result.vocabularies,
    duplicateIds: result.duplicateIds,
    highestId: result.highestId,
    dates: result.dates,
    synonyms: rowsOf('CONCEPT_SYNONYM'),
    relationships: rowsOf('CONCEPT_RELATIONSHIP'),
    relationshipKinds: result.relationshipKinds.slice(0, TOP),
    ancestors: rowsOf('CONCEPT_ANCESTOR'),
    cpt4: {
      unnamed: anomalies.get('CONCEPT')?.kinds.get('unnamed_cpt4')?.count ?? 0,
      separateFile: bundle.tables.has('CONCEPT_CPT4'),
    },
    suspicions: {
      emptyVocabularies: vocabularyIds(listed).filter((id) => !present.has(id)),
      synonymsOfUnknownConcepts: result.synonymsOfUnknownConcepts,
      relationshipsOfUnknownConcepts: result.relationshipsOfUnknownConcepts,
    },
    anomalies: report(anomalies),
  };
}

function report(anomalies: Anomalies): readonly AnomalyReport[] {
  return [...anomalies].flatMap(([table, { kinds }]) =>
    [...kinds].map(([kind, { count, samples }]) => ({
      table,
      kind,
      fate: anomalyKinds[kind],
      count,
      samples,
    })),
  );
}
