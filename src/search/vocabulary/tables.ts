/** Every table file of an Athena download; the names are the file names without `.csv`. */
export const tableNames = [
  'CONCEPT',
  'CONCEPT_ANCESTOR',
  'CONCEPT_CLASS',
  'CONCEPT_CPT4',
  'CONCEPT_RELATIONSHIP',
  'CONCEPT_SYNONYM',
  'DOMAIN',
  'DRUG_STRENGTH',
  'RELATIONSHIP',
  'VOCABULARY',
] as const;

export type TableName = (typeof tableNames)[number];

/** What a column holds: `term` is short text that repeats from row to row, `name` and `code` are text that rarely does. */
export type ColumnKind = 'id' | 'count' | 'name' | 'code' | 'term' | 'date' | 'standard' | 'reason';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Longest value OMOP's own definition allows, in characters; 0 where the kind settles it. */
  readonly max: number;
  readonly required: boolean;
}

const id = (name: string): Column => ({ name, kind: 'id', max: 0, required: true });
const count = (name: string): Column => ({ name, kind: 'count', max: 0, required: true });
const date = (name: string): Column => ({ name, kind: 'date', max: 0, required: true });
const text = (name: string, kind: ColumnKind, max: number, required = true): Column => ({
  name,
  kind,
  max,
  required,
});

/** The columns of each table we read, in the order of OMOP's definition, which is the order rows come out in. */
export const columnsOf = {
  CONCEPT: [
    id('concept_id'),
    text('concept_name', 'name', 255),
    text('domain_id', 'term', 20),
    text('vocabulary_id', 'term', 20),
    text('concept_class_id', 'term', 20),
    text('standard_concept', 'standard', 1, false),
    text('concept_code', 'code', 50),
    date('valid_start_date'),
    date('valid_end_date'),
    text('invalid_reason', 'reason', 1, false),
  ],
  CONCEPT_SYNONYM: [id('concept_id'), text('concept_synonym_name', 'name', 1000), id('language_concept_id')],
  CONCEPT_RELATIONSHIP: [
    id('concept_id_1'),
    id('concept_id_2'),
    text('relationship_id', 'term', 20),
    date('valid_start_date'),
    date('valid_end_date'),
    text('invalid_reason', 'reason', 1, false),
  ],
  CONCEPT_ANCESTOR: [
    id('ancestor_concept_id'),
    id('descendant_concept_id'),
    count('min_levels_of_separation'),
    count('max_levels_of_separation'),
  ],
  VOCABULARY: [
    text('vocabulary_id', 'term', 20),
    text('vocabulary_name', 'name', 255, false),
    text('vocabulary_reference', 'code', 255, false),
    text('vocabulary_version', 'code', 255, false),
    id('vocabulary_concept_id'),
  ],
} as const satisfies Partial<Record<TableName, readonly Column[]>>;

/** A table whose rows we can read; the others only count towards the digest. */
export type ReadableTable = keyof typeof columnsOf;

/** The table a file name stands for, whatever its case (`concept.CSV`), or undefined. */
export function tableOfFile(fileName: string): TableName | undefined {
  const name = /^(\w+)\.csv$/i.exec(fileName)?.[1]?.toUpperCase();
  return tableNames.find((table) => table === name);
}
