import { generator, hash } from './random.ts';

/**
 * A query with the slips of a hurried typist: one edit for each started eight letters (a letter dropped, doubled,
 * replaced by a neighbour on the keyboard, or two swapped), never in the first letter of a word. Deterministic.
 */
export function misspell(query: string, seed: number): string {
  const random = generator(seed ^ hash(query));
  const letters = Array.from(query);
  const places = letters.flatMap((letter, index) =>
    /\p{L}/u.test(letter) && index > 0 && /\p{L}/u.test(letters[index - 1] ?? '') ? [index] : [],
  );
  const edits = Math.min(places.length, Math.max(1, Math.ceil(places.length / 8)));
  for (const place of pick(places, edits, random).sort((a, b) => b - a)) edit(letters, place, random);
  return letters.join('');
}

function edit(letters: string[], place: number, random: () => number): void {
  const letter = letters[place] ?? '';
  switch (Math.floor(random() * 4)) {
    case 0:
      letters.splice(place, 1);
      break;
    case 1:
      letters.splice(place, 0, letter);
      break;
    case 2:
      letters.splice(place, 1, neighbour(letter, random));
      break;
    default:
      letters.splice(place - 1, 2, letter, letters[place - 1] ?? '');
  }
}

const keyboard = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

function neighbour(letter: string, random: () => number): string {
  for (const row of keyboard) {
    const at = row.indexOf(letter.toLowerCase());
    if (at >= 0) return row[at + (random() < 0.5 && at > 0 ? -1 : 1)] ?? row[at - 1] ?? letter;
  }
  return letter;
}

function pick(places: readonly number[], count: number, random: () => number): number[] {
  const left = [...places];
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0] ?? 0);
}
