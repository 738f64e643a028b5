import type { DatabaseSync } from 'node:sqlite';

import { codeKey } from './normalise.ts';
import type { LexicalHit } from './reader.ts';

export interface CodeSearch {
  /** Concepts whose code is the query (score 1, the same spelling first), then those of the same category (below 1). */
  byCode(query: string): readonly LexicalHit[];
}

interface Found {
  readonly row: number;
  readonly concept_id: number;
  readonly vocabulary_id: string;
  readonly concept_code: string;
}

const columns = 'term.row, concept.concept_id, vocabulary_id, concept_code';
const named = "JOIN term ON term.concept_id = concept.concept_id AND term.kind = 'name'";

/** Finds codes; the SQL function `allowed(row)` narrows. */
export function openCodeSearch(database: DatabaseSync): CodeSearch {
  const same =
    database.prepare(`SELECT ${columns} FROM concept ${named} WHERE code_key = ? AND allowed(term.row)
    ORDER BY standard_concept IS NOT 'S', invalid_reason IS NOT NULL, vocabulary_id, row LIMIT 100`);
  // '/' follows '.' in ASCII.
  const category = database.prepare(`SELECT ${columns} FROM concept ${named} WHERE vocabulary_id = :vocabulary
    AND (concept_code = :category OR (concept_code > :category || '.' AND concept_code < :category || '/'))
    AND allowed(term.row) ORDER BY concept_code LIMIT 1000`);
  return {
    byCode(query) {
      const spelled = query.trim();
      // A code has a digit; without this, an ordinary word could be taken for one.
      if (!/\d/.test(spelled)) return [];
      const exact = (same.all(codeKey(spelled)) as unknown as Found[]).sort(
        (a, b) => Number(b.concept_code === spelled) - Number(a.concept_code === spelled),
      );
      const ids = new Set(exact.map(({ concept_id }) => concept_id));
      const kin = exact.flatMap((found) => {
        const parameters = { vocabulary: found.vocabulary_id, category: categoryOf(found.concept_code) };
        const members = (category.all(parameters) as unknown as Found[]).filter(
          (member) => !ids.has(member.concept_id),
        );
        for (const { concept_id } of members) ids.add(concept_id);
        return members.sort(nearestTo(found.concept_code)).slice(0, 100);
      });
      return [...exact.map(hit(1)), ...kin.map(hit(0.5))];
    },
  };
}

/** What stands before the dot: of `E11.9` and of `E11` it is `E11`. Notations without a dot have no other members. */
function categoryOf(code: string): string {
  return code.split('.', 1)[0] ?? code;
}

/** Its subdivisions first, then by how much of the beginning is the same, the wider of two alike first. */
function nearestTo(code: string): (a: Found, b: Found) => number {
  const alike = ({ concept_code }: Found): number => {
    let length = 0;
    while (length < code.length && concept_code[length] === code[length]) length += 1;
    return length;
  };
  return (a, b) => alike(b) - alike(a) || a.concept_code.length - b.concept_code.length || compare(a, b);
}

function compare(a: Found, b: Found): number {
  return a.concept_code < b.concept_code ? -1 : 1;
}

function hit(score: number): (found: Found) => LexicalHit {
  return ({ row, concept_id }) => ({ row, concept_id, score });
}
