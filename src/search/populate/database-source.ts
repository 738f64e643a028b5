import { PortiereError } from '../../errors.ts';
import type { Database } from '../../ports.ts';
import { checkSelection, checkYield } from '../vocabulary/select.ts';
import type { Concept, ConceptAncestor, ConceptRelationship, ConceptSynonym } from '../vocabulary/concept.ts';
import type { VocabularySource } from '../vocabulary/source.ts';
import { publishedVocabulary } from './load-vocabulary.ts';

const batchSize = 5_000;

/** The published vocabulary of a database as a source, read through cursors of one repeatable transaction. */
export async function databaseSource(
  database: Database,
  selected: readonly string[],
): Promise<VocabularySource> {
  // Begun before the first look, or a load published in between would leave an empty partition to read.
  await database.script('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    return await snapshot(database, selected);
  } catch (error) {
    await database.script('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function snapshot(database: Database, selected: readonly string[]): Promise<VocabularySource> {
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
  return {
    kind: 'database',
    label: `${database.description} (load ${id} of ${loaded.label})`,
    digest: loaded.digest,
    version: loaded.version,
    select,
    expected: select.length > 0 ? null : loaded,
    concepts: () =>
      read<Concept>(
        database,
        `SELECT concept_id, concept_name, domain_id, vocabulary_id, concept_class_id, standard_concept, concept_code,
                valid_start_date, valid_end_date, invalid_reason
         FROM concept WHERE build_id = ${id} AND ($1::text[] = '{}' OR vocabulary_id = ANY ($1)) ORDER BY concept_id`,
        [select],
      ),
    synonyms: () =>
      read<ConceptSynonym>(
        database,
        `SELECT concept_id, concept_synonym_name, language_concept_id FROM concept_synonym WHERE build_id = ${id}
         ORDER BY concept_id, concept_synonym_name`,
      ),
    relationships: () =>
      read<ConceptRelationship>(
        database,
        `SELECT concept_id_1, concept_id_2, relationship_id, valid_start_date, valid_end_date, invalid_reason
         FROM concept_relationship WHERE build_id = ${id}`,
      ),
    ancestors: () =>
      read<ConceptAncestor>(
        database,
        `SELECT ancestor_concept_id, descendant_concept_id, min_levels_of_separation, max_levels_of_separation
         FROM concept_ancestor WHERE build_id = ${id}`,
      ),
    unusable: () => 0,
    close: async () => {
      await database.script('COMMIT');
    },
  };
}

let cursors = 0;

async function* read<Row>(
  database: Database,
  sql: string,
  values: readonly unknown[] = [],
): AsyncGenerator<readonly Row[]> {
  cursors += 1;
  const name = `portiere_${cursors}`;
  await database.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${sql}`, values);
  for (;;) {
    const { rows } = await database.query(`FETCH ${batchSize} FROM ${name}`);
    if (rows.length === 0) break;
    yield rows as unknown as readonly Row[];
  }
  await database.script(`CLOSE ${name}`);
}
