import { bestPerConcept } from '../lexical/hit.ts';
import { textKey } from '../lexical/normalise.ts';
import type { LexicalIndex } from '../lexical/reader.ts';
import { createTopK } from '../vectors/top-k.ts';

/** What tools that know no vectors do: TF-IDF of character grams of every name and synonym, by cosine. */
export interface CharGrams {
  /** The best `k` concepts, best first. */
  best(query: string, k: number): readonly { readonly concept_id: number; readonly score: number }[];
}

/** Above this its lists would take more memory than the search they stand beside. */
const mostTexts = 1_000_000;
const lengths = [3, 4] as const;
/** Texts read before others get a turn. */
const textsATurn = 5_000;

/** Reads every text of a build; undefined where there are more than a million. */
export async function charGramsOf(lexical: LexicalIndex): Promise<CharGrams | undefined> {
  const { count } = lexical.attributes;
  if (count > mostTexts) return undefined;
  const gramIds = new Map<string, number>();
  const holders: number[] = [];
  const texts: Uint32Array[] = [];
  const concepts = new Float64Array(count);
  for (let row = 0; row < count; row += 1) {
    if (row % textsATurn === 0) await new Promise(setImmediate);
    const { concept_id = 0, text = '' } = lexical.term(row) ?? {};
    concepts[row] = concept_id;
    const ids = Uint32Array.from(gramsOf(text), (gram) => {
      const id = gramIds.get(gram) ?? gramIds.size;
      gramIds.set(gram, id);
      return id;
    });
    for (const id of new Set(ids)) holders[id] = (holders[id] ?? 0) + 1;
    texts.push(ids);
  }
  const rarity = Float32Array.from(holders, (some) => Math.log((1 + count) / (1 + some)) + 1);
  const { starts, rows, weights } = listsOf(texts, { holders, rarity });
  const scores = new Float32Array(count);

  return {
    best(query, k) {
      const ids = [...gramsOf(query)].flatMap((gram) => gramIds.get(gram) ?? []);
      scores.fill(0);
      for (const [id, weight] of weighed(ids, rarity)) {
        for (let at = starts[id] ?? 0; at < (starts[id + 1] ?? 0); at += 1) {
          scores[rows[at] ?? 0]! += weight * (weights[at] ?? 0);
        }
      }
      const nearest = createTopK(4 * k);
      let least = 0;
      for (const [row, score] of scores.entries()) {
        if (score <= 0 || score < least) continue;
        nearest.offer(row, score);
        least = nearest.threshold();
      }
      const found = nearest.hits();
      const hits = found.rows.map((row, at) => ({
        row,
        concept_id: concepts[row] ?? 0,
        score: found.scores[at] ?? 0,
      }));
      return bestPerConcept(hits).slice(0, k);
    },
  };
}

interface Lists {
  /** Where the list of each gram begins, and where the last ends. */
  readonly starts: Uint32Array;
  /** The texts that hold the gram, and what it weighs in each. */
  readonly rows: Uint32Array;
  readonly weights: Float32Array;
}

function listsOf(
  texts: readonly Uint32Array[],
  { holders, rarity }: { readonly holders: readonly number[]; readonly rarity: Float32Array },
): Lists {
  const starts = new Uint32Array(holders.length + 1);
  for (const [id, some] of holders.entries()) starts[id + 1] = (starts[id] ?? 0) + some;
  const next = starts.slice();
  const rows = new Uint32Array(starts.at(-1) ?? 0);
  const weights = new Float32Array(rows.length);
  for (const [row, ids] of texts.entries()) {
    for (const [id, weight] of weighed(ids, rarity)) {
      const at = next[id] ?? 0;
      rows[at] = row;
      weights[at] = weight;
      next[id] = at + 1;
    }
  }
  return { starts, rows, weights };
}

/** Each gram once: how often it is there times its rarity, all together of length 1. */
function weighed(ids: Iterable<number>, rarity: Float32Array): Map<number, number> {
  const weights = new Map<number, number>();
  for (const id of ids) weights.set(id, (weights.get(id) ?? 0) + (rarity[id] ?? 0));
  let squares = 0;
  for (const weight of weights.values()) squares += weight * weight;
  for (const [id, weight] of weights) weights.set(id, weight / Math.sqrt(squares));
  return weights;
}

/** Runs of three and four characters within each word, its ends included. */
function* gramsOf(text: string): Generator<string> {
  for (const word of textKey(text).split(' ')) {
    const bounded = ` ${word} `;
    for (const length of lengths) {
      for (let at = 0; at + length <= bounded.length; at += 1) yield bounded.slice(at, at + length);
    }
  }
}
