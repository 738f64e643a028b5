import { abbreviate } from './abbreviations.ts';
import { generator, hash } from './random.ts';
import { misspell } from './typo.ts';

/** How a query is disturbed before it is asked. */
export const noiseKinds = ['none', 'typo', 'case', 'order', 'abbreviation'] as const;

export type NoiseKind = (typeof noiseKinds)[number];

type Disturb = (query: string, seed: number) => string;

const disturbances: Readonly<Record<Exclude<NoiseKind, 'none'>, Disturb>> = {
  typo: misspell,
  case: otherCase,
  order: reorder,
  abbreviation: abbreviate,
};

/** A query with a kind of noise, the same each time; undefined where that kind changes nothing in it. */
export function withNoise(kind: NoiseKind, query: string, seed: number): string | undefined {
  if (kind === 'none') return query;
  const noisy = disturbances[kind](query, seed);
  return noisy === query ? undefined : noisy;
}

/** Capitals throughout; where it is written so already, small letters. */
function otherCase(query: string): string {
  const upper = query.toUpperCase();
  return upper === query ? query.toLowerCase() : upper;
}

/** The words in another order, each as it is. */
function reorder(query: string, seed: number): string {
  const words = query.split(/\s+/).filter((word) => word !== '');
  if (new Set(words).size < 2) return query;
  const random = generator(seed ^ hash(query));
  for (;;) {
    const shuffled = [...words];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = Math.floor(random() * (at + 1));
      [shuffled[at], shuffled[other]] = [shuffled[other] ?? '', shuffled[at] ?? ''];
    }
    if (shuffled.some((word, at) => word !== words[at])) return shuffled.join(' ');
  }
}
