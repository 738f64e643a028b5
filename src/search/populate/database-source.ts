import { PortiereError } from '../../errors.ts';
import type { Database } from '../../ports.ts';
import { checkSelection, checkYield } from '../vocabulary/select.ts';
import type { Concept, ConceptAncestor, ConceptRelationship, ConceptSynonym } from '../vocabulary/concept.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { publishedVocabulary } from './load-vocabulary.ts';

/** Pages read at once: 256 of 8 kB are some 20,000 rows at most. */
const pagesAtOnce = 256;

/**
 * The published vocabulary of a database as a source. A load's partitions never change once published, so they are
 * read in page ranges, each a query of its own, in the order they were written: nobody waits for us, which matters
 * where the database is a single session. A load that is replaced meanwhile ends in SOURCE_CHANGED.
 */
export async function databaseSource(
  database: Database,
  selected: readonly string[],
): Promise<VocabularySource> {
  const loaded = await publishedVocabulary(database);
  if (loaded === undefined) {
    throw new PortiereError('VOCABULARY_EMPTY', `No vocabulary is loaded in ${database.description}.`, {
      hint: 'Load one with: portiere vocab load PATH',
    });
  }
  const id = loaded.build_id;
  const { rows: met } = await database.query(
    'SELECT vocabulary_id, count(*) AS n FROM concept WHERE build_id = $1 GROUP BY 1',
    [id],
  );
  const counts = new Map(met.map((row) => [String(row['vocabulary_id']), Number(row['n'])]));
  const select = selected.length === 0 ? [] : checkSelection(selected, [...counts.keys()]);
  checkYield(select, counts);
  const read = <Row>(table: string, columns: string): AsyncGenerator<readonly Row[]> =>
    readPages<Row>(database, { table: `${table}_b${id}`, columns });
  return {
    kind: 'database',
    label: `${database.description} (load ${id} of ${loaded.label})`,
    digest: loaded.digest,
    stamp: null,
    version: loaded.version,
    select,
    expected: select.length > 0 ? null : loaded,
    async *concepts() {
      const wanted = new Set(select);
      const columns = `concept_id, concept_name, domain_id, vocabulary_id, concept_class_id, standard_concept,
        concept_code, valid_start_date, valid_end_date, invalid_reason`;
      for await (const batch of read<Concept>('concept', columns)) {
        yield wanted.size === 0 ? batch : batch.filter(({ vocabulary_id }) => wanted.has(vocabulary_id));
      }
    },
    synonyms: () =>
      read<ConceptSynonym>('concept_synonym', 'concept_id, concept_synonym_name, language_concept_id'),
    relationships: () =>
      read<ConceptRelationship>(
        'concept_relationship',
        'concept_id_1, concept_id_2, relationship_id, valid_start_date, valid_end_date, invalid_reason',
      ),
    ancestors: () =>
      read<ConceptAncestor>(
        'concept_ancestor',
        'ancestor_concept_id, descendant_concept_id, min_levels_of_separation, max_levels_of_separation',
      ),
    unusable: () => 0,
    close: async () => {},
  };
}

async function* readPages<Row>(
  database: Database,
  { table, columns }: { readonly table: string; readonly columns: string },
): AsyncGenerator<readonly Row[]> {
  try {
    const { rows: size } = await database.query(
      "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int AS pages",
      [table],
    );
    const pages = Number(size[0]?.['pages'] ?? 0);
    for (let page = 0; page < pages; page += pagesAtOnce) {
      const { rows } = await database.query(
        `SELECT ${columns} FROM ${table} WHERE ctid >= '(${page},0)' AND ctid < '(${page + pagesAtOnce},0)'`,
      );
      yield rows as unknown as readonly Row[];
    }
  } catch (error) {
    // undefined_table
    if ((error as { code?: string }).code !== '42P01') throw error;
    throw new PortiereError('SOURCE_CHANGED', `The load behind ${table} was replaced while it was read.`, {
      hint: 'Run the same command again.',
      cause: error,
    });
  }
}
