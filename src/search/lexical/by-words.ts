import type { DatabaseSync } from 'node:sqlite';

import { wordFrequencies } from './frequency.ts';
import { bestPerConcept, type LexicalHit } from './hit.ts';
import { matchAny, wordsOf } from './normalise.ts';

/** BM25 costs some microseconds a matching term, so it is asked to rank about this many. */
const affordable = 4_000;
/** Where the words that matter are misspelled, one in more terms than this ("of", "other") has nothing to say. */
const tellingNothing = 4 * affordable;

export interface WordSearch {
  /** In how many terms a word occurs, as `textKey` spells it. */
  frequency(word: string): number;
  /** The best `k` concepts by BM25, one term each; `filtered` where the SQL function `allowed(row)` narrows. */
  byWords(query: string, k: number, filtered: boolean): readonly LexicalHit[];
}

/**
 * Ranks terms by BM25. A term must have one of the query's rarer words, as many of them as are affordable to rank;
 * the frequent ones ("of", "disease", "left") then order what was found, the rarer counting twice, and find terms
 * only where the rarer words find fewer than `k` concepts that a filter lets pass. Without this one "of" costs 50 ms.
 */
export function openWordSearch(database: DatabaseSync): WordSearch {
  const frequency = wordFrequencies(database);
  const select = (condition: string, order: string): ReturnType<DatabaseSync['prepare']> =>
    database.prepare(`SELECT row, concept_id, -score AS score FROM (
      SELECT rowid AS row, bm25(term_text) AS score FROM term_text WHERE term_text MATCH ? ${condition} ORDER BY ${order} LIMIT ?
    ) JOIN term USING (row) ORDER BY score DESC, row`);
  const ranked = select('', 'rank');
  // FTS5 would rank every match before the filter; sorted by SQLite, only what passes is ranked.
  const filteredRanked = select('AND allowed(rowid)', 'score');

  return {
    frequency,
    byWords(query, k, filtered) {
      const words = wordsOf(query);
      const known = words.filter((word) => frequency(word) > 0);
      const leftovers =
        known.length < words.length && known.every((word) => frequency(word) > tellingNothing);
      if (leftovers && !filtered) return [];
      const statement = filtered ? filteredRanked : ranked;
      for (let most = affordable; ; most *= 8) {
        const rarer = rarest(known, frequency, most);
        if (rarer.length === 0) return [];
        const all = rarer.length === known.length;
        const match = all ? matchAny(known) : `(${matchAny(rarer)}) AND (${matchAny(known)})`;
        for (let limit = k * 2; ; limit *= 4) {
          const found = statement.all(match, limit) as unknown as LexicalHit[];
          const hits = bestPerConcept(found);
          if (hits.length >= k || (found.length < limit && (all || !filtered))) return hits.slice(0, k);
          if (found.length < limit) break;
        }
      }
    },
  };
}

/** The rarest word, and further ones while together they are in at most `most` terms. */
function rarest(words: readonly string[], frequency: (word: string) => number, most: number): string[] {
  let sum = 0;
  return [...words]
    .sort((a, b) => frequency(a) - frequency(b))
    .filter((word, index) => (sum += frequency(word)) <= most || index === 0);
}
