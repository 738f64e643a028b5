import { wordsOf } from '../lexical/normalise.ts';

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
  const words = wordsOf(query).map((word) => {
    const count = frequency(word);
    const rarity = Math.log(1 + (terms - count + 0.5) / (count + 0.5));
    return { likeness: likenessTo(word), weight: rarity ** 2 };
  });
  const whole = words.reduce((sum, { weight }) => sum + weight, 0);
  return (key) => {
    if (whole === 0) return 0;
    const inText = key.split(' ');
    let held = 0;
    for (const { likeness, weight } of words) {
      let best = 0;
      for (const word of inText) best = Math.max(best, likeness(word));
      held += best * weight;
    }
    return held / whole;
  };
}

/** Dice's coefficient of the pairs and triples of letters of two words, their ends included; remembers each word. */
function likenessTo(word: string): (other: string) => number {
  const own = gramsOf(word);
  const known = new Map([[word, 1]]);
  return (other) => {
    const before = known.get(other);
    if (before !== undefined) return before;
    const grams = gramsOf(other);
    let shared = 0;
    for (const gram of grams) if (own.has(gram)) shared += 1;
    const alike = (2 * shared) / (own.size + grams.size);
    const counted = alike < leastAlike ? 0 : alike;
    known.set(other, counted);
    return counted;
  };
}

function gramsOf(word: string): Set<string> {
  const bounded = ` ${word} `;
  const grams = new Set<string>();
  for (let at = 0; at + 2 <= bounded.length; at += 1) {
    grams.add(bounded.slice(at, at + 2));
    if (at + 3 <= bounded.length) grams.add(bounded.slice(at, at + 3));
  }
  return grams;
}
