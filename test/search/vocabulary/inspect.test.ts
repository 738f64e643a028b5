import { describe, expect, it } from 'vitest';
import { createIdTable } from '../../../src/search/vocabulary/id-table.ts';
import { inspectBundle, type InspectProgress } from '../../../src/search/vocabulary/inspect.ts';
import { readConcepts } from '../../../src/search/vocabulary/read.ts';
import { readVocabularies } from '../../../src/search/vocabulary/vocabularies.ts';
import { conceptHeader, conceptLine, gather, memoryBundle } from '../../support/vocabulary.ts';

const CONCEPT = [
  conceptHeader,
  conceptLine(1),
  conceptLine(2, { standard_concept: 'C', invalid_reason: 'U', valid_start_date: '19500101' }),
  conceptLine(2_100_000_000, { vocabulary_id: 'ICD10CM', standard_concept: '', valid_end_date: '20200101' }),
  conceptLine(2, { vocabulary_id: 'ICD10CM', standard_concept: '', invalid_reason: 'D' }),
  conceptLine(3, { vocabulary_id: 'CPT4', concept_name: '' }),
  'broken',
  '',
].join('\n');
const VOCABULARY = `vocabulary_id\tvocabulary_name\tvocabulary_reference\tvocabulary_version\tvocabulary_concept_id
SNOMED\tSNOMED\tx\t2026\t1
CPT4\tCPT4\t\t\t2
None\tOMOP\t\tv5.0 31-MAY-23\t0
`;
const CONCEPT_SYNONYM =
  'concept_id\tconcept_synonym_name\tlanguage_concept_id\n1\tone\t0\n1\tuno\t0\n77\tlost\t0\n';
const CONCEPT_RELATIONSHIP = `concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason
1\t1\tMaps to\t19700101\t20991231\t
2\t1\tMaps to\t19700101\t20991231\t
1\t88\tIs a\t19700101\t20991231\tD
`;

describe('inspectBundle', () => {
  it('counts what is there and what is suspicious', async () => {
    const bundle = memoryBundle({
      CONCEPT,
      VOCABULARY,
      CONCEPT_SYNONYM,
      CONCEPT_RELATIONSHIP,
      CONCEPT_CPT4: 'x',
    });
    const seen: InspectProgress[] = [];
    const found = await inspectBundle(bundle, (progress) => seen.push(progress));
    const none = { rows: 0, invalid: 0 };
    expect(found).toMatchObject({
      path: 'memory',
      version: 'v5.0 31-MAY-23',
      concepts: 4,
      duplicateIds: 1,
      highestId: 2_100_000_000,
      dates: { firstStart: '1950-01-01', lastStart: '1970-01-01', lastEnd: '2099-12-31' },
      synonyms: 3,
      relationships: 3,
      relationshipKinds: [
        { relationship_id: 'Maps to', rows: 2 },
        { relationship_id: 'Is a', rows: 1 },
      ],
      ancestors: null,
      cpt4: { unnamed: 1, separateFile: true },
      suspicions: {
        emptyVocabularies: ['CPT4'],
        synonymsOfUnknownConcepts: 1,
        relationshipsOfUnknownConcepts: 1,
      },
    });
    expect(found.vocabularies).toEqual([
      {
        vocabulary_id: 'ICD10CM',
        rows: 2,
        standard: none,
        classification: none,
        source: { rows: 2, invalid: 1 },
        synonyms: 0,
      },
      {
        vocabulary_id: 'SNOMED',
        rows: 2,
        standard: { rows: 1, invalid: 0 },
        classification: { rows: 1, invalid: 1 },
        source: none,
        synonyms: 2,
      },
    ]);
    expect(found.anomalies).toEqual([
      {
        table: 'CONCEPT',
        kind: 'unnamed_cpt4',
        fate: 'excused',
        count: 1,
        samples: [expect.objectContaining({ line: 6 })],
      },
      {
        table: 'CONCEPT',
        kind: 'too_few_fields',
        fate: 'lost',
        count: 1,
        samples: [{ line: 7, excerpt: 'broken' }],
      },
    ]);
    expect(seen.map(({ stage }) => stage)).toEqual([
      'CONCEPT',
      'CONCEPT_SYNONYM',
      'CONCEPT_RELATIONSHIP',
      'digest',
    ]);
  });

  it('takes a bundle of CONCEPT.csv alone, and one without a concept', async () => {
    const found = await inspectBundle(memoryBundle({ CONCEPT: `${conceptHeader}\n` }));
    expect(found).toMatchObject({
      version: null,
      concepts: 0,
      highestId: null,
      dates: null,
      synonyms: null,
      vocabularies: [],
    });
  });
});

describe('the typed readers', () => {
  it('give numbers and nulls, and only the selected vocabularies', async () => {
    const bundle = memoryBundle({ CONCEPT });
    const anomalies = new Map();
    const concepts = await gather(readConcepts(bundle, { anomalies, select: new Set(['ICD10CM']) }));
    expect(
      concepts.map(({ concept_id, standard_concept, invalid_reason }) => [
        concept_id,
        standard_concept,
        invalid_reason,
      ]),
    ).toEqual([
      [2_100_000_000, null, null],
      [2, null, 'D'],
    ]);
    expect(await readVocabularies(bundle)).toEqual([]);
    const [first] = await readVocabularies(memoryBundle({ CONCEPT, VOCABULARY }));
    expect(first).toEqual({
      vocabulary_id: 'SNOMED',
      vocabulary_name: 'SNOMED',
      vocabulary_reference: 'x',
      vocabulary_version: '2026',
      vocabulary_concept_id: 1,
    });
  });
});

it('an id table holds values for ids near and far', () => {
  const table = createIdTable();
  const ids = [0, 1, 1_023, 1_024, 46_000_000, 2_140_095_357, Number.MAX_SAFE_INTEGER];
  for (const [at, id] of ids.entries()) table.set(id, at + 1);
  expect(ids.map((id) => table.get(id))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect([2, 1_025, 45_999_999, 10 ** 12].map((id) => table.get(id))).toEqual([0, 0, 0, 0]);
});
