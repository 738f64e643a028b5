/** A text as exact matches compare it: accents off, lower case, every run of anything but letters and digits one space. */
export function textKey(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** A code as people type it: letters and digits only, upper case (`e11.9`, `E119` and `E11.9` are one). */
export function codeKey(code: string): string {
  return code.toUpperCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

/** The distinct words of a text, as `textKey` spells them; at most 64. */
export function wordsOf(text: string): readonly string[] {
  return [...new Set(textKey(text).split(' '))].filter((word) => word !== '').slice(0, 64);
}

/** What FTS5 is asked for terms with any of the words. */
export function matchAny(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(' OR ');
}
