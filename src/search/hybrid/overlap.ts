import { wordsOf } from '../lexical/normalise.ts';
import { gramMarks } from './gram-marks.ts';

/** Less alike than this, two words are not spellings of one. */
const leastAlike = 0.4;

export interface RarityOf {
  /** Terms in the index. */
  readonly terms: number;
  /** In how many of them a word occurs. */
  readonly frequency: (word: string) => number;
}

/**
 * How much of a query a text holds, 0 to 1, both spelled as `textKey` does: each word of the query counts by its
 * squared rarity (inverse document frequency) and as much as the most similar word of the text is alike (soft TF-IDF).
 */
export function overlapWith(query: string, { terms, frequency }: RarityOf): (key: string) => number {
  const words = wordsOf(query);
  const weights = words.map((word) => {
    const count = frequency(word);
    return Math.log(1 + (terms - count + 0.5) / (count + 0.5)) ** 2;
  });
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const likenesses = likenessesTo(words);
  return (key) => {
    if (whole === 0) return 0;
    const inText = key.split(' ').map(likenesses);
    let held = 0;
    for (const [at, weight] of weights.entries()) {
      let best = 0;
      for (const alike of inText) best = Math.max(best, alike[at] ?? 0);
      held += best * weight;
    }
    return held / whole;
  };
}

/**
 * Dice's coefficient of the pairs and triples of letters of a word, its ends included, and of each of `words`;
 * remembers each word.
 */
function likenessesTo(words: readonly string[]): (other: string) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  const marks = gramMarks();
  const own = words.map((word) => {
    const grams = gramsOf(word);
    return { word, grams, places: marks.placesOf(grams) };
  });
  return (other) => {
    const before = known.get(other);
    if (before !== undefined) return before;
    const distinct = marks.mark(bounded(other));
    let grams: Set<string> | undefined;
    const alike = own.map(({ word, grams: ours, places }) => {
      if (word === other) return 1;
      // Most words have next to nothing in common, which is known without taking them apart.
      const most = (2 * marks.marked(places)) / (ours.size + distinct);
      return most < leastAlike ? 0 : dice(ours, (grams ??= gramsOf(other)));
    });
    known.set(other, alike);
    return alike;
  };
}

function dice(ours: ReadonlySet<string>, theirs: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of theirs) if (ours.has(gram)) shared += 1;
  const alike = (2 * shared) / (ours.size + theirs.size);
  return alike < leastAlike ? 0 : alike;
}

function gramsOf(word: string): Set<string> {
  const letters = bounded(word);
  const grams = new Set<string>();
  for (let at = 0; at + 2 <= letters.length; at += 1) {
    grams.add(letters.slice(at, at + 2));
    if (at + 3 <= letters.length) grams.add(letters.slice(at, at + 3));
  }
  return grams;
}

function bounded(word: string): string {
  return ` ${word} `;
}
