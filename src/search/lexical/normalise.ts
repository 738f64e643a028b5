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

/** The words of a query for FTS5: each quoted, any of them may match. Empty where there is no word. */
export function matchAny(query: string): string {
  const words = [...new Set(textKey(query).split(' '))].filter((word) => word !== '').slice(0, 64);
  return words.map((word) => `"${word}"`).join(' OR ');
}
