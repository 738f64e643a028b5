import type { DatabaseSync } from 'node:sqlite';

/** Words kept at hand; an operator's queries use few, a hostile client's any number. */
const remembered = 50_000;

/** In how many terms a word (as `textKey` spells it) occurs; 0 where in none. Call it before `query_only` is set. */
export function wordFrequencies(database: DatabaseSync): (word: string) => number {
  database.exec('CREATE VIRTUAL TABLE temp.word USING fts5vocab(main, term_text, row)');
  const select = database.prepare('SELECT doc FROM temp.word WHERE term = ?');
  const known = new Map<string, number>();
  return (word) => {
    const before = known.get(word);
    if (before !== undefined) return before;
    if (known.size >= remembered) known.clear();
    const count = Number(select.get(word)?.['doc'] ?? 0);
    known.set(word, count);
    return count;
  };
}
