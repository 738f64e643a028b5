import path from 'node:path';

import { createLexical } from '../../src/search/lexical/writer.ts';
import type { EngineBuild } from '../../src/search/populate/elasticsearch-cargo.ts';

const words =
  'acute chronic severe mild left right upper lower disease disorder of the heart lung liver kidney with without fracture infection neoplasm benign malignant due to pain syndrome'.split(
    ' ',
  );

/** A lexical file of made-up concepts; every third one has a synonym, and ids have gaps. */
export async function conceptFile(folder: string, count: number, id: string): Promise<EngineBuild> {
  const file = path.join(folder, `lexical-${id}`);
  const writer = createLexical(file);
  let state = 7;
  const pick = (): string => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return words[(state >>> 16) % words.length] ?? '';
  };
  const phrase = (length: number): string => Array.from({ length }, pick).join(' ');
  for (let n = 1, row = 0; n <= count; n++) {
    const concept_id = 2_100_000_000 + n * 3;
    const concept_name = `${phrase(5)} é ${n}`;
    writer.addConcept({
      concept_id,
      concept_name,
      domain_id: 'Condition',
      vocabulary_id: n % 2 === 0 ? 'SNOMED' : 'ICD10CM',
      concept_class_id: 'Disorder',
      standard_concept: n % 2 === 0 ? 'S' : null,
      concept_code: `C${n}`,
      valid_start_date: '1970-01-01',
      valid_end_date: '2099-12-31',
      invalid_reason: null,
    });
    writer.addTerm({ row: row++, concept_id, kind: 'name', text: concept_name });
    if (n % 3 === 0) writer.addTerm({ row: row++, concept_id, kind: 'synonym', text: phrase(4) });
  }
  await writer.finish();
  return { id, concepts: count, lexical: file };
}
