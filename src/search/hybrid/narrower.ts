/** A text that a candidate is known by. */
export interface Named {
  readonly concept_id: number;
  /** Spelled as `textKey` does. */
  readonly key: string;
  /** How much of the query it holds, 0 to 1. */
  readonly overlap: number;
}

/** Smaller differences of overlap come from adding up in another order. */
const same = 1e-9;

/**
 * For each text whether it is that of another concept and more words, which nobody asked for: it holds all words of a
 * shorter text of another candidate and no more of the query ("..., sequela" beside the same without it).
 */
export function narrowerThanAsked(texts: readonly Named[]): boolean[] {
  const words = texts.map(({ key }) => new Set(key.split(' ')));
  const holders = new Map<string, number[]>();
  for (const [at, own] of words.entries()) {
    for (const word of own) {
      const known = holders.get(word);
      if (known === undefined) holders.set(word, [at]);
      else known.push(at);
    }
  }
  const narrower = texts.map(() => false);
  for (const [at, { concept_id, overlap }] of texts.entries()) {
    const own = words[at] as Set<string>;
    for (const other of fewest(own, holders)) {
      const longer = words[other] as Set<string>;
      const beside = texts[other] as Named;
      if (narrower[other] || longer.size <= own.size || beside.concept_id === concept_id) continue;
      narrower[other] = beside.overlap <= overlap + same && [...own].every((word) => longer.has(word));
    }
  }
  return narrower;
}

/** The texts that hold the word which the fewest hold: all that could hold every word are among them. */
function fewest(
  words: ReadonlySet<string>,
  holders: ReadonlyMap<string, readonly number[]>,
): readonly number[] {
  let least: readonly number[] | undefined;
  for (const word of words) {
    const found = holders.get(word) ?? [];
    if (least === undefined || found.length < least.length) least = found;
  }
  return least ?? [];
}
