import type { DatabaseSync } from 'node:sqlite';

import { bestPerConcept, type LexicalHit } from './hit.ts';
import { codeKey } from './normalise.ts';

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
const mostKin = 100;

/** Finds codes; the SQL function `allowed(row)` narrows. */
export function openCodeSearch(database: DatabaseSync): CodeSearch {
  const same =
    database.prepare(`SELECT ${columns} FROM concept ${named} WHERE code_key = ? AND allowed(term.row)
    ORDER BY standard_concept IS NOT 'S', invalid_reason IS NOT NULL, vocabulary_id, row LIMIT 100`);
  const beginning =
    database.prepare(`SELECT ${columns} FROM concept ${named} WHERE vocabulary_id = :vocabulary
    AND (concept_code = :category OR (concept_code >= :start AND concept_code < :start || char(1114111)))
    AND allowed(term.row) ORDER BY length(concept_code), concept_code LIMIT ${mostKin + 1}`);

  /** The code's subdivisions, then its siblings, and so on to its category; the wider of two alike first. */
  const kinOf = ({ concept_id, concept_code, vocabulary_id: vocabulary }: Found): Found[] => {
    const kin = new Map<number, Found>();
    for (const range of widening(concept_code)) {
      for (const found of beginning.all({ vocabulary, ...range }) as unknown as Found[])
        kin.set(found.concept_id, found);
      if (kin.size > mostKin) break;
    }
    kin.delete(concept_id);
    return [...kin.values()].slice(0, mostKin);
  };

  return {
    byCode(query) {
      const spelled = query.trim();
      // A code has a digit; without this, an ordinary word could be taken for one.
      if (!/\d/.test(spelled)) return [];
      const exact = (same.all(codeKey(spelled)) as unknown as Found[]).sort(
        (a, b) => Number(b.concept_code === spelled) - Number(a.concept_code === spelled),
      );
      return bestPerConcept([...exact.map(hit(1)), ...exact.flatMap(kinOf).map(hit(0.5))]);
    },
  };
}

/**
 * Ranges of codes around one, each wider than the one before, the last one its category: what stands before the
 * dot (`E11` of `E11.9` and of `E11`). Notations without a dot have nobody else there.
 */
function widening(code: string): { readonly start: string; readonly category: string }[] {
  const category = code.split('.', 1)[0] ?? code;
  const whole = { start: `${category}.`, category };
  const narrower = Array.from({ length: Math.max(0, code.length - whole.start.length) }, (_, cut) => ({
    start: code.slice(0, code.length - cut),
    category: code,
  }));
  return [...narrower, whole];
}

function hit(score: number): (found: Found) => LexicalHit {
  return ({ row, concept_id }) => ({ row, concept_id, score });
}
